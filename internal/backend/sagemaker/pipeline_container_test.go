package sagemaker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// containers does the work of the simulation's jobs: it lays a job's inputs where
// the job says, runs its entrypoint for real, and takes what is in the directories
// of its outputs. What a container has at stepRoot is in a directory of its own.
type containers struct {
	root  string
	count atomic.Int64
	env   []string
}

func newContainers(t *testing.T, env ...string) *containers {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal(err)
	}
	return &containers{root: t.TempDir(), env: env}
}

// run runs one job. It is a hook of the simulation.
func (c *containers) run(job simulated.StepRun) (outputs map[string][]byte, failure string) {
	outputs, err := c.try(job)
	if err != nil {
		return nil, "AlgorithmError: " + err.Error()
	}
	return outputs, ""
}

func (c *containers) try(job simulated.StepRun) (map[string][]byte, error) {
	root := filepath.Join(c.root, fmt.Sprint(job.Step, c.count.Add(1)))
	inside := func(path string) string { return strings.ReplaceAll(path, stepRoot, root) }
	for _, in := range list(job.Arguments, "ProcessingInputs") {
		at := inside(fmt.Sprint(member(in, "S3Input")["LocalPath"]))
		if err := layOut(at, job.Inputs[fmt.Sprint(in["InputName"])]); err != nil {
			return nil, err
		}
	}
	outs := list(member(job.Arguments, "ProcessingOutputConfig"), "Outputs")
	for _, out := range outs { // SageMaker makes them
		if err := os.MkdirAll(inside(fmt.Sprint(member(out, "S3Output")["LocalPath"])), 0o755); err != nil {
			return nil, err
		}
	}
	if err := c.execute(job, root, inside); err != nil {
		return nil, err
	}
	written := map[string][]byte{}
	for _, out := range outs {
		name := fmt.Sprint(out["OutputName"])
		if err := gather(written, name, inside(fmt.Sprint(member(out, "S3Output")["LocalPath"]))); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// execute runs the entrypoint. What it says in its message is why it failed.
func (c *containers) execute(job simulated.StepRun, root string, inside func(string) string) error {
	var command []string
	entrypoint, _ := member(job.Arguments, "AppSpecification")["ContainerEntrypoint"].([]any)
	for _, part := range entrypoint {
		command = append(command, inside(fmt.Sprint(part)))
	}
	message := filepath.Join(root, "message")
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + root, "MLOPS_ROOT=" + root, "MLOPS_MESSAGE=" + message}, c.env...)
	for key, value := range member(job.Arguments, "Environment") {
		cmd.Env = append(cmd.Env, key+"="+inside(fmt.Sprint(value)))
	}
	printed, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if said, readErr := os.ReadFile(message); readErr == nil {
		return errors.New(string(said))
	}
	return fmt.Errorf("%w: %s", err, printed)
}

func member(in map[string]any, name string) map[string]any {
	m, _ := in[name].(map[string]any)
	return m
}

func list(in map[string]any, name string) []map[string]any {
	var out []map[string]any
	all, _ := in[name].([]any)
	for _, one := range all {
		m, _ := one.(map[string]any)
		out = append(out, m)
	}
	return out
}

// layOut writes an input's files. That of a single object, which has no path, is
// named as the object is, by which nothing here goes.
func layOut(directory string, files map[string][]byte) error {
	for path, content := range files {
		if path == "" {
			path = "object"
		}
		to := filepath.Join(directory, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func gather(into map[string][]byte, output, directory string) error {
	return filepath.WalkDir(directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(directory, path)
		into[output+"/"+filepath.ToSlash(relative)] = content
		return err
	})
}
