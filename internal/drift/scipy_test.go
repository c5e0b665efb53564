package drift

import (
	"bytes"
	"encoding/json"
	"math"
	"os/exec"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
)

// inSciPy computes the statistics of pairs of columns with SciPy's own
// functions, from the values themselves.
const inSciPy = `
import json, sys
import numpy as np
from scipy import stats
from scipy.spatial import distance

def of_tables(table, out):
    base, now = table[:, table.sum(axis=0) > 0]
    n, m, k = base.sum(), now.sum(), len(base)
    p, q = (base + 0.5) / (n + k / 2), (now + 0.5) / (m + k / 2)
    out["psi"] = max(0, ((q - p) * np.log(q / p)).sum() - (k - 1) * (1 / n + 1 / m))
    out["js"] = distance.jensenshannon(base, now, base=2)
    pearson = stats.chi2_contingency([base, now], correction=False)
    ratio = stats.chi2_contingency([base, now], correction=False, lambda_="log-likelihood")
    out["chi_square"], out["chi_square_p"] = pearson.statistic, max(pearson.pvalue, ratio.pvalue)

def of_numbers(base, now, out):
    base, now = np.array(base), np.array(now)
    ks = stats.ks_2samp(base, now, method="asymp")
    out["ks"], out["ks_p"] = ks.statistic, ks.pvalue
    out["wasserstein"] = stats.wasserstein_distance(base, now) / base.std(ddof=1)
    edges = np.quantile(base, np.arange(1, 10) / 10, method="inverted_cdf")
    of_tables(np.array([np.bincount(np.searchsorted(edges, x), minlength=10) for x in (base, now)]), out)

def of_texts(base, now, out):
    names = sorted(set(base) | set(now))
    of_tables(np.array([[list(x).count(n) for n in names] for x in (base, now)]), out)

def of_nulls(base, now, out):
    (n, a), (m, b) = base, now
    out["null_rate"] = abs(a / n - b / m)
    out["null_rate_p"] = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue

results = []
for case in json.load(sys.stdin):
    results.append({})
    {"numeric": of_numbers, "categorical": of_texts, "nulls": of_nulls}[case["kind"]](case["base"], case["now"], results[-1])
json.dump(results, sys.stdout)
`

// pair is two columns to be compared.
type pair struct {
	Kind string `json:"kind"`
	Base any    `json:"base"` // values; of nulls, how many rows and how many of them are null
	Now  any    `json:"now"`

	name string
	// near is how far each statistic may be off, as a share of what SciPy says.
	// What has no entry must be the same but for rounding; a negative entry is not
	// compared.
	near map[string]float64
}

// pairs are compared with SciPy. A baseline of up to a thousand values has a bin
// for each, so that all but the Wasserstein distance, of which a window's value is
// somewhere in its bin, is exact; and but for the p-value of Kolmogorov–Smirnov,
// which is the limit, where SciPy has it for as many rows as there are.
func pairs() []pair {
	r := seeded(21)
	small := map[string]float64{"wasserstein": 0.01, "ks_p": 0.15}
	binned := map[string]float64{"ks": 0.02, "ks_p": 0.4, "wasserstein": 0.01, "psi": 0.03, "js": 0.02, "chi_square": 0.02, "chi_square_p": 0.5}
	ties := map[string]float64{"wasserstein": 1e-9, "ks_p": 0.15, "psi": -1, "js": -1, "chi_square": -1, "chi_square_p": -1}
	return []pair{
		{"numeric", normal(r, 1000, 0, 1), normal(r, 1000, 0, 1), "unchanged", map[string]float64{"wasserstein": 0.02, "ks_p": 0.05}},
		{"numeric", normal(r, 1000, 0, 1), normal(r, 400, 0.3, 1.2), "shifted and wider", small},
		{"numeric", exponential(r, 800, 1), exponential(r, 700, 1.2), "exponential", small},
		{"numeric", normal(r, 900, 5, 1), normal(r, 300, 9, 1), "far away", map[string]float64{"wasserstein": 0.01, "ks_p": -1}},
		{"numeric", rounded(normal(r, 20_000, 0, 2)), rounded(normal(r, 900, 0.2, 2)), "few values", ties},
		{"numeric", normal(r, 20_000, 0, 1), normal(r, 5000, 0.2, 1.1), "binned", binned},
		{"categorical", words(r, 3000), words(r, 800), "words", nil},
		{"categorical", words(r, 3000), append(words(r, 500), drawn(100, func() string { return "z" })...), "a new word", nil},
		{"nulls", []int64{5000, 100}, []int64{1000, 20}, "as many nulls", nil},
		{"nulls", []int64{5000, 100}, []int64{1000, 45}, "more nulls", nil},
		{"nulls", []int64{1_000_000, 10}, []int64{200, 1}, "a rare null", nil},
		{"nulls", []int64{1000, 900}, []int64{300, 200}, "fewer nulls", nil},
		{"nulls", []int64{400, 0}, []int64{300, 6}, "nulls where there were none", nil},
	}
}

// TestAgainstSciPy compares with SciPy.
func TestAgainstSciPy(t *testing.T) {
	t.Parallel()
	const rounding = 1e-8
	compared := pairs()
	for i, want := range scipy(t, compared) {
		t.Run(compared[i].name, func(t *testing.T) {
			t.Parallel()
			got := ours(compared[i])
			for name, w := range want {
				near, ok := compared[i].near[name]
				if !ok {
					near = rounding
				}
				if off := math.Abs(got[name] - w); near >= 0 && off > near*math.Abs(w)+1e-12 {
					t.Errorf("%s is %g, SciPy says %g", name, got[name], w)
				}
			}
		})
	}
}

// ours are the same statistics by this package.
func ours(p pair) map[string]float64 {
	var w *Window
	switch base := p.Base.(type) {
	case []float64:
		now, _ := p.Now.([]float64)
		w = NewWindow(numbers(base))
		w.Numbers(0, now)
	case []string:
		now, _ := p.Now.([]string)
		w = NewWindow(texts(base))
		w.Texts(0, now, nil)
	case []int64:
		now, _ := p.Now.([]int64)
		w = NewWindow(numbers(withNulls(base)))
		w.Numbers(0, withNulls(now))
	}
	out := map[string]float64{}
	for _, name := range Statistics() {
		result := w.Compare(Options{Statistic: name})[0]
		out[name], out[name+"_p"] = result.Value, result.PValue
	}
	return out
}

func withNulls(rows []int64) []float64 {
	return append(repeat(math.NaN(), int(rows[1])), repeat(1, int(rows[0]-rows[1]))...)
}

func scipy(t *testing.T, pairs []pair) []map[string]float64 {
	t.Helper()
	env, err := pyenvtest.Ensure(t.Context(), "scipy==1.16.3")
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(pairs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), env.Python(), "-c", inSciPy)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var results []map[string]float64
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return results
}
