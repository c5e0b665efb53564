package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
)

// inPandas is the same check as people write it in Python.
//
//go:embed drift.py
var inPandas string

// checked is what a check of drift found and took.
type checked struct {
	Seconds    float64                       `json:"seconds"` // of CPU, imports aside; of Python only
	Statistics map[string]map[string]float64 `json:"statistics"`
}

// measureDrift checks a large window of many features for drift: by the engine's
// statistics, and by pandas and SciPy, on the same files.
func measureDrift(ctx context.Context, s site) ([]result, error) {
	rows := 1_000_000
	if s.short {
		rows /= 10
	}
	files := []string{filepath.Join(s.dir, "baseline"), filepath.Join(s.dir, "window")}
	if err := errors.Join(writeData(files[0], 100_000, 1, 0), writeData(files[1], rows, 2, 0.1)); err != nil { //nolint:mnd // rows, seed, shift
		return nil, err
	}
	own, used, err := check(ctx, append([]string{s.self, roleDrift}, files...))
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("drift of %d rows x %d features, ", rows, driftFeatures)
	out := []result{
		atMost(name+"CPU", used.CPU.Seconds(), "s", 5).because("one core; with a baseline of 100,000 rows, and reading both"),
		atMost(name+"peak memory", float64(used.Memory)/mega, "MB", 500),
	}
	python, err := pandas(ctx)
	if err != nil {
		return append(out, missing(name+"beside pandas and SciPy", err.Error())), nil
	}
	theirs, theirUse, err := check(ctx, append([]string{python, "-c", inPandas}, files...))
	if err != nil {
		return out, err
	}
	if err := sameStatistics(own, theirs); err != nil {
		return out, err
	}
	return append(out,
		figure(name+"CPU", used.CPU.Seconds()/theirs.Seconds, "x pandas + SciPy").because("%.1f s, imports aside", theirs.Seconds),
		figure(name+"peak memory", float64(used.Memory)/float64(theirUse.Memory), "x pandas + SciPy").because("%.0f MB", float64(theirUse.Memory)/mega)), nil
}

// check runs a program that checks files and writes what it found as JSON.
func check(ctx context.Context, command []string) (checked, usage, error) {
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	// One core each: a second one would help both, and say less.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return checked{}, usage{}, fmt.Errorf("%w: %s", err, problems.String())
	}
	var c checked
	err := json.Unmarshal(out.Bytes(), &c)
	return c, usageOf(cmd.ProcessState), err
}

// pandas returns a Python that has pandas and SciPy.
func pandas(ctx context.Context) (string, error) {
	cache, err := layout.CacheDir()
	if err != nil {
		return "", err
	}
	env, err := pyenv.New("", cache, slog.New(slog.DiscardHandler)).Ensure(ctx, []string{"pandas==2.3.3", "scipy==1.16.3"})
	return env.Python(), err
}

// sameStatistics makes sure that both did the same work.
func sameStatistics(own, theirs checked) error {
	if len(theirs.Statistics) != driftFeatures {
		return fmt.Errorf("pandas judged %d features, not %d", len(theirs.Statistics), driftFeatures)
	}
	var wrong []error
	for column, statistics := range theirs.Statistics {
		for name, want := range statistics {
			got, ok := own.Statistics[column][name]
			// The baseline is a sample of itself here, which is most of the difference.
			if near := 0.01 + 0.1*want; !ok || math.Abs(got-want) > near { //nolint:mnd // see above
				wrong = append(wrong, fmt.Errorf("%s of %s is %g, SciPy says %g", name, column, got, want))
			}
		}
	}
	return errors.Join(wrong...)
}

// checkDrift is the role that does what a monitor does with its files.
func checkDrift(_ context.Context, args []string) error {
	if len(args) != 2 { //nolint:mnd // see the text
		return errors.New("usage: check-drift <baseline> <window>")
	}
	collector := drift.NewCollector(columns())
	if err := readData(args[0], collector); err != nil {
		return err
	}
	window := drift.NewWindow(collector.Profile())
	if err := readData(args[1], window); err != nil {
		return err
	}
	found := checked{Statistics: map[string]map[string]float64{}}
	for _, statistic := range []string{drift.PSI, drift.KS, drift.JS, drift.Wasserstein} {
		for _, r := range window.Compare(drift.Options{Statistic: statistic}) {
			if !r.Judged {
				continue
			}
			if found.Statistics[r.Name] == nil {
				found.Statistics[r.Name] = map[string]float64{}
			}
			found.Statistics[r.Name][statistic] = r.Value
		}
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}
