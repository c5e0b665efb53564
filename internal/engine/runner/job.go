package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// job is one step worked out: what goes in, what decides what comes out, and
// where its files are.
type job struct {
	name    string
	step    mlops.Step
	inputs  map[string]string // name to value, nearly always a path
	lineage mlops.StepLineage
	work    string // digest of all that decides the outputs; "" if they must not be taken over
	dir     string // of the attempt, once it has a place

	experiment  string // name of the one that the run is tracked in, or ""
	checkpoints string // directory that all attempts share; made for steps on spot capacity alone
}

// prepare works a step out. The steps it needs have succeeded.
func (e *execution) prepare(name string) (*job, error) {
	j := &job{
		name: name, step: e.plan.Pipeline.Steps[name], inputs: map[string]string{},
		experiment: e.plan.Pipeline.Experiment.Name(), checkpoints: filepath.Join(e.stepDir(name), "checkpoints"),
	}
	j.lineage = mlops.StepLineage{
		Code: codeDigest(j.step), Packages: append([]string{}, j.step.Packages...),
		Inputs: map[string]string{}, Outputs: map[string]string{},
	}
	if err := e.verify(j.step); err != nil {
		return nil, failf("could not be started: %s", err)
	}
	for _, in := range slices.Sorted(maps.Keys(j.step.Inputs)) {
		value, digest, err := e.input(j.step.Inputs[in])
		if err != nil {
			return nil, failf("could not be started: input %q: %s", in, err)
		}
		j.inputs[in], j.lineage.Inputs[in] = value, digest
	}
	work, err := e.workOf(j)
	if err != nil {
		return nil, failf("could not be started: %s", err)
	}
	j.work = work
	return j, nil
}

// codeDigest is the digest of what a step does: of the script's bytes, or of
// the command with its templates.
func codeDigest(s mlops.Step) string {
	if s.Script == "" {
		return mlops.DigestOf(s.Command)
	}
	sum := sha256.Sum256([]byte(s.Script))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// input renders one input and finds the digest of its content: that of the
// output it is, of the file or directory outside the run that it names, or of
// the text itself.
func (e *execution) input(text string) (value, digest string, err error) {
	t, err := mlops.ParseTemplate(text)
	if err != nil {
		return "", "", err
	}
	if value, err = t.Render(e.resolve(stepPath)); err != nil {
		return "", "", err
	}
	refs := t.References()
	if len(refs) == 1 && refs[0].Kind == mlops.RefStepOutput {
		if made := e.get(refs[0].Step); value == stepPath(made, refs[0].Name) {
			return value, stepDigest(made, refs[0].Name), nil
		}
	}
	if len(refs) == 1 && refs[0].Kind == mlops.RefDataset {
		if d := e.plan.Datasets[refs[0].Name]; artifact.URI(value) == d.URI {
			return value, d.Version.Digest, nil
		}
	}
	digest, err = contentDigest(value)
	return value, digest, err
}

// contentDigest is the digest of what a text names, if that is a path or file
// URI of something that exists, else of the text.
func contentDigest(text string) (string, error) {
	path := text
	if u, err := url.Parse(text); err == nil && u.Scheme == "file" {
		path = u.Path
	}
	if !filepath.IsAbs(path) {
		return mlops.DigestOf(text), nil
	}
	digest, _, err := blob.Digest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return mlops.DigestOf(text), nil
	}
	return digest, err
}

// resolve returns the values of the references that mean the same in every
// field of a step; output picks what stands for another step's output.
func (e *execution) resolve(output func(store.Step, string) string) func(mlops.Reference) (string, error) {
	return func(r mlops.Reference) (string, error) {
		switch r.Kind {
		case mlops.RefParam:
			if v, ok := e.plan.Parameters[r.Name]; ok {
				return v, nil
			}
		case mlops.RefStepOutput:
			if v := output(e.get(r.Step), r.Name); v != "" {
				return v, nil
			}
		case mlops.RefRunID:
			return e.id.Name(), nil
		case mlops.RefDataset:
			if d, ok := e.plan.Datasets[r.Name]; ok {
				return artifact.Kept(d.URI)
			}
		case mlops.RefInput, mlops.RefOutput:
		}
		return "", errors.New("there is no such thing here")
	}
}

func stepPath(s store.Step, output string) string   { return s.Paths[output] }
func stepDigest(s store.Step, output string) string { return s.Outputs[output] }

// values returns the values of references in a step's own fields.
func (e *execution) values(j *job) func(mlops.Reference) (string, error) {
	shared := e.resolve(stepPath)
	return func(r mlops.Reference) (string, error) {
		switch r.Kind {
		case mlops.RefInput:
			return j.inputs[r.Name], nil
		case mlops.RefOutput:
			return j.outputPath(r.Name), nil
		case mlops.RefParam, mlops.RefStepOutput, mlops.RefRunID, mlops.RefDataset:
		}
		return shared(r)
	}
}

// canonical returns what stands for references where only content counts:
// digests in place of paths.
func (e *execution) canonical(j *job) func(mlops.Reference) (string, error) {
	shared := e.resolve(stepDigest)
	return func(r mlops.Reference) (string, error) {
		switch r.Kind {
		case mlops.RefInput:
			return j.lineage.Inputs[r.Name], nil
		case mlops.RefOutput:
			return r.String(), nil
		case mlops.RefDataset: // its place changes with its bytes, and with the environment
			return e.plan.Datasets[r.Name].Version.Digest, nil
		case mlops.RefParam, mlops.RefStepOutput, mlops.RefRunID:
		}
		return shared(r)
	}
}

// place says where the attempt's files are.
func (j *job) place(dir string) { j.dir = dir }

func (j *job) workDir() string               { return filepath.Join(j.dir, "work") }
func (j *job) outputsDir() string            { return filepath.Join(j.dir, "outputs") }
func (j *job) outputPath(name string) string { return filepath.Join(j.outputsDir(), name) }
func (j *job) scriptFile() string            { return filepath.Join(j.dir, "script.py") }
func (e *execution) stepDir(name string) string {
	return filepath.Join(e.plan.Directory, "steps", name)
}

func (e *execution) attemptDir(name string, n int) string {
	return filepath.Join(e.stepDir(name), strconv.Itoa(n))
}

func (e *execution) stateDir(name string, n int) string {
	return filepath.Join(e.attemptDir(name, n), "state")
}

func (e *execution) logFile(name string, n int) string {
	return filepath.Join(e.plan.Directory, "logs", fmt.Sprintf("%s.%d.log", name, n))
}

// write makes the attempt's directory, without anything that an attempt which
// left no trace may have written there. Checkpoints stay as they are.
func (e *execution) write(j *job, log string) error {
	if err := os.RemoveAll(j.dir); err != nil {
		return err
	}
	dirs := []string{j.workDir(), j.outputsDir(), filepath.Dir(log)}
	if j.step.OnSpot() {
		dirs = append(dirs, j.checkpoints)
	}
	if err := e.makeDirs(dirs...); err != nil {
		return err
	}
	if j.step.Script == "" {
		return nil
	}
	return os.WriteFile(j.scriptFile(), []byte(j.step.Script), fileMode)
}

func fileURI(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }
