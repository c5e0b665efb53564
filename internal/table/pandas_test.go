package table

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// inPandas writes real data in all formats and types, reads each file back, and
// says what is in it.
const inPandas = `
import json, sys
import numpy as np, pandas as pd
from sklearn.datasets import load_breast_cancer, load_wine

folder = sys.argv[1]
random = np.random.default_rng(7)

def frame(rows):
    bunch = load_breast_cancer(as_frame=True)
    f = bunch.frame.sample(rows, replace=rows > len(bunch.frame), random_state=0).reset_index(drop=True)
    gaps = lambda share: random.random(rows) < share
    f["diagnosis"] = bunch.target_names[f["target"]]
    f["benign"] = f["target"] == 1
    f["radius_gaps"] = f["mean radius"].mask(gaps(0.1))
    f["whole_gaps"] = (f["mean area"] // 1).mask(gaps(0.2))
    f["note"] = f["diagnosis"].map({"benign": 'all "fine", so far', "malignant": "two\nlines; naïve"}).mask(gaps(0.3))
    f["seen"] = pd.Timestamp("2023-02-27T22:30:00") + pd.to_timedelta(f.index * 37_500, unit="ms")
    f["size32"] = f["mean perimeter"].astype("float32")
    f["level"] = (f["worst radius"] - 20).astype("int32")
    f["byte"] = f["mean texture"].astype("uint8")
    f["nothing"] = None
    f["constant"] = 7
    f["id"] = np.arange(rows) + 2**53
    return f

def word(column):
    t = column.dtype
    if pd.api.types.is_bool_dtype(t): return "boolean"
    if pd.api.types.is_integer_dtype(t): return "integer"
    if pd.api.types.is_datetime64_any_dtype(t): return "timestamp"
    return "number" if pd.api.types.is_float_dtype(t) and column.notna().any() else "string"

def number(x): return float(x)

def figures(column):
    out = {"type": word(column), "count": int(column.count()), "missing": int(column.isna().sum()), "distinct": int(column.nunique())}
    if word(column) == "timestamp":
        at = lambda t: t.timestamp()
        out["min"], out["max"] = at(column.min().tz_localize("UTC")), at(column.max().tz_localize("UTC"))
    if word(column) in ("integer", "number"):
        exact = column.astype("float64")
        out.update(min=number(exact.min()), max=number(exact.max()), mean=number(exact.mean()))
        if exact.abs().max() < 2**50: out["std"] = number(exact.std()) # beyond, neither has digits left for it
        out["quantiles"] = {str(q): [number(exact.quantile(max(0, q - 0.02))), number(exact.quantile(min(1, q + 0.02)))] for q in (0.25, 0.5, 0.75)}
    return out

results = {}
def keep(name, read):
    f = read(folder + "/" + name)
    results[name] = {"rows": len(f), "columns": {str(c): figures(f[c]) for c in f.columns}}

# more rows than the sample of a profile has
small, large = frame(500), frame(70_000)
wine = load_wine(as_frame=True).frame
read_csv = lambda path: pd.read_csv(path, parse_dates=["seen"])
small.to_csv(folder + "/small.csv", index=False); keep("small.csv", read_csv)
small.to_csv(folder + "/windows.csv", index=False, encoding="utf-8-sig", lineterminator="\r\n", quoting=1); keep("windows.csv", read_csv)
large.to_csv(folder + "/large.csv.gz", index=False); keep("large.csv.gz", read_csv)
wine.to_csv(folder + "/wine.csv", index=False); keep("wine.csv", pd.read_csv)
wine.to_json(folder + "/wine.jsonl", orient="records", lines=True); keep("wine.jsonl", lambda path: pd.read_json(path, lines=True, dtype=False, precise_float=True))
small.drop(columns="id").to_json(folder + "/small.jsonl.gz", orient="records", lines=True, date_format="iso", double_precision=15)
keep("small.jsonl.gz", lambda path: pd.read_json(path, lines=True, convert_dates=["seen"], precise_float=True))
for compression in ("snappy", "gzip", "zstd", "none"):
    name = f"small-{compression}.parquet"
    small.to_parquet(folder + "/" + name, index=False, compression=None if compression == "none" else compression); keep(name, pd.read_parquet)
small.to_parquet(folder + "/old.parquet", index=False, use_deprecated_int96_timestamps=True, use_dictionary=False); keep("old.parquet", pd.read_parquet)
large.to_parquet(folder + "/large.parquet", index=False, row_group_size=8_000); keep("large.parquet", pd.read_parquet)
json.dump(results, sys.stdout)
`

// pandasTable is what pandas says of a file.
type pandasTable struct {
	Rows    int64                   `json:"rows"`
	Columns map[string]pandasColumn `json:"columns"`
}

type pandasColumn struct {
	mlops.ColumnStatistics

	// Quantiles are what two percent less and more of the values do not exceed.
	Quantiles map[string][2]float64 `json:"quantiles"`
}

// TestAgainstPandas compares types and statistics with what pandas makes of the
// same files.
func TestAgainstPandas(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, want := range pandas(t, folder) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Describe(t.Context(), filepath.Join(folder, name), "", nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Rows != want.Rows || len(got.Columns) != len(want.Columns) {
				t.Errorf("%d rows of %d columns; pandas has %d of %d", got.Rows, len(got.Columns), want.Rows, len(want.Columns))
			}
			for column, w := range want.Columns {
				for _, off := range compare(got.Statistics[column], w) {
					t.Errorf("%s: %s", column, off)
				}
			}
		})
	}
}

// compare tells what is not as pandas has it.
func compare(got mlops.ColumnStatistics, want pandasColumn) (off []string) {
	plain := func(s mlops.ColumnStatistics) mlops.ColumnStatistics {
		return mlops.ColumnStatistics{Type: s.Type, Count: s.Count, Missing: s.Missing}
	}
	if diff := cmp.Diff(plain(want.ColumnStatistics), plain(got)); diff != "" {
		off = append(off, "(-pandas +got):\n"+diff)
	}
	if near := 0.02 * float64(max(0, want.Distinct-5000)); math.Abs(float64(got.Distinct-want.Distinct)) > near {
		off = append(off, fmt.Sprintf("%d different values; pandas has %d", got.Distinct, want.Distinct))
	}
	figure := func(what string, got, want *float64, near float64) {
		if want == nil {
			return
		}
		if got == nil || math.Abs(*got-*want) > near*max(1e-9, math.Abs(*want)) {
			off = append(off, fmt.Sprintf("%s is %v; pandas has %v", what, show(got), show(want)))
		}
	}
	figure("min", got.Min, want.Min, 0)
	figure("max", got.Max, want.Max, 0)
	figure("mean", got.Mean, want.Mean, 1e-9)
	figure("std", got.Std, want.Std, 1e-6)
	for q, p := range map[string]*float64{"0.25": got.P25, "0.5": got.P50, "0.75": got.P75} {
		if around, ok := want.Quantiles[q]; ok && (p == nil || *p < around[0] || *p > around[1]) {
			off = append(off, fmt.Sprintf("quantile %s is %v; pandas has it in %v", q, show(p), around))
		}
	}
	return off
}

func show(p *float64) any {
	if p == nil {
		return "nothing"
	}
	return *p
}

// pandas writes the files into a folder.
func pandas(t *testing.T, folder string) map[string]pandasTable {
	t.Helper()
	env, err := pyenvtest.Ensure(t.Context(), "scikit-learn==1.7.2", "pandas==2.3.3", "pyarrow==22.0.0")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), env.Python(), "-c", inPandas, folder)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var results map[string]pandasTable
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return results
}
