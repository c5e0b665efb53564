package drift

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
)

// inSciPy computes the statistics of pairs of columns with SciPy's own
// functions, from the values themselves.
const inSciPy = `
import json, sys
import numpy as np
from scipy import special, stats
from scipy.spatial import distance

def frequencies(a, b):
    names = sorted(set(a) | set(b))
    return np.array([[list(x).count(n) for n in names] for x in (a, b)], dtype=float)

out = []
for case in json.load(sys.stdin):
    base, now = case["base"], case["now"]
    if case["kind"] == "numeric":
        base, now = np.array(base), np.array(now)
        d = stats.ks_2samp(base, now, method="asymp").statistic
        n, m = len(base), len(now)
        edges = np.quantile(base, np.linspace(0, 1, 11)[1:-1])
        counts = [np.bincount(np.searchsorted(edges, x), minlength=10) for x in (base, now)]
        p, q = [(c + 0.5) / (c.sum() + 5) for c in counts]
        out.append({
            "ks": d, "ks_p": special.kolmogorov(d * np.sqrt(n * m / (n + m))),
            "wasserstein": stats.wasserstein_distance(base, now) / base.std(ddof=1),
            "psi": max(0, ((q - p) * np.log(q / p)).sum() - 9 * (1 / n + 1 / m)),
            "js": distance.jensenshannon(*counts, base=2),
        })
    else:
        table = frequencies(base, now)
        chi = stats.chi2_contingency(table, correction=False)
        out.append({"js": distance.jensenshannon(*table, base=2), "chi_square": chi.statistic, "chi_square_p": chi.pvalue})
json.dump(out, sys.stdout)
`

// pair is two columns to be compared.
type pair struct {
	Kind string `json:"kind"`
	Base any    `json:"base"`
	Now  any    `json:"now"`
}

// TestAgainstSciPy compares with SciPy. Binned statistics may differ by what the
// package's docs state; those of categories must be the same.
func TestAgainstSciPy(t *testing.T) {
	t.Parallel()
	r := seeded(21)
	pairs := []pair{
		{"numeric", normal(r, 4000, 0, 1), normal(r, 1000, 0, 1)},
		{"numeric", normal(r, 4000, 0, 1), normal(r, 1000, 0.4, 1.3)},
		{"numeric", exponential(r, 4000, 1), exponential(r, 700, 1.5)},
		{"numeric", rounded(normal(r, 4000, 0, 2)), rounded(normal(r, 900, 1, 2))},
		{"numeric", normal(r, 4000, 5, 1), normal(r, 300, 9, 1)},
		{"categorical", words(r, 3000), words(r, 800)},
		{"categorical", words(r, 3000), append(words(r, 500), repeatText("z", 100)...)},
	}
	for i, want := range scipy(t, pairs) {
		got := ours(pairs[i])
		for name, w := range want {
			tolerance := map[string]float64{"ks": 1.5 / fineBins, "psi": 0.01 + 0.03*w, "js": 0.01, "wasserstein": 0.01 + 0.01*w, "ks_p": 0.02}[name]
			if pairs[i].Kind == "categorical" {
				tolerance = 1e-9 * max(1, math.Abs(w))
			}
			if math.Abs(got[name]-w) > tolerance {
				t.Errorf("pair %d: %s is %g, SciPy says %g", i, name, got[name], w)
			}
		}
	}
}

// ours are the same statistics by this package.
func ours(p pair) map[string]float64 {
	out := map[string]float64{}
	var w *Window
	var names []string
	if p.Kind == "numeric" {
		base, _ := p.Base.([]float64)
		now, _ := p.Now.([]float64)
		w, names = NewWindow(numbers(base)), []string{KS, Wasserstein, PSI, JS}
		w.Numbers(0, now)
	} else {
		base, _ := p.Base.([]string)
		now, _ := p.Now.([]string)
		w, names = NewWindow(texts(base)), []string{JS, ChiSquare}
		w.Texts(0, now, nil)
	}
	for _, name := range names {
		result := w.Compare(Options{Statistic: name})[0]
		out[name], out[name+"_p"] = result.Value, result.PValue
	}
	return out
}

func scipy(t *testing.T, pairs []pair) []map[string]float64 {
	t.Helper()
	root := os.Getenv("MLOPS_TEST_VENVS")
	if root == "" {
		root = filepath.Join(t.TempDir(), "venvs")
	}
	python := pyenv.New("", root, slog.New(slog.DiscardHandler))
	env, err := python.Ensure(t.Context(), []string{"scipy==1.16.3"})
	if err != nil {
		t.Fatal(fmt.Errorf("SciPy cannot be installed, and nothing else says what is right: %w", err))
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

func exponential(r *rand.Rand, n int, mean float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = mean * r.ExpFloat64()
	}
	return out
}

func rounded(values []float64) []float64 {
	for i, v := range values {
		values[i] = math.Round(v)
	}
	return values
}

func repeatText(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}
