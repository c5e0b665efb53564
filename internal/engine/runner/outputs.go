package runner

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	metricsOutput = "metrics" // the output that is read back into the run's metrics
	maxMetrics    = 1 << 20   // bytes
)

// collect takes in what the step wrote: where it is, its digests and, from the
// output named metrics, numbers. An output that is missing or of no use fails
// the step.
func (j *job) collect(at *store.Step) error {
	at.Paths, at.Outputs, at.Metrics = map[string]string{}, map[string]string{}, nil
	for _, name := range j.step.Outputs {
		path := j.outputPath(name)
		digest, _, err := blob.Digest(path)
		if errors.Is(err, fs.ErrNotExist) {
			return failf("succeeded but did not write its output %q; a file or directory was expected at %s, which is in $MLOPS_OUTPUT_%s", name, path, mlops.EnvName(name))
		}
		if err != nil {
			return failf("wrote an output %q that cannot be kept: %s", name, mlops.Message(err))
		}
		at.Paths[name], at.Outputs[name] = path, digest
		if name == metricsOutput {
			if at.Metrics, err = readMetrics(path); err != nil {
				return failf("wrote an output \"metrics\" that is of no use: %s (%s)", err, path)
			}
		}
	}
	return nil
}

// readMetrics reads a flat JSON object of finite numbers.
func readMetrics(path string) (map[string]float64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() || info.Size() > maxMetrics {
		return nil, errors.New("it must be a JSON file of at most 1 MiB")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	if err := json.Unmarshal(b, &values); err != nil || values == nil {
		return nil, notMetrics(b, err)
	}
	return mlops.ReadMetrics(values)
}

// notMetrics words what is wrong with bytes that are no JSON object.
func notMetrics(b []byte, err error) error {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok || err == nil {
		return errors.New("it must be a flat JSON object of numbers, such as {\"accuracy\": 0.97}")
	}
	if text := string(b); strings.Contains(text, "NaN") || strings.Contains(text, "Infinity") {
		return errors.New("it has NaN or Infinity, which JSON does not know; metrics must be finite numbers")
	}
	return errors.New("it is not JSON: " + err.Error())
}
