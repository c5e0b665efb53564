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
	"time"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// containers does the work of the simulation's jobs: it lays a job's inputs where
// the job says, runs its entrypoint for real, and takes what is in the directories
// of its outputs. What a container has below jobRoot is in a directory of its own.
type containers struct {
	root  string
	count atomic.Int64
	env   []string
	// interrupts takes the capacity away from a job on spot: it is killed when this
	// file is in its checkpoints. Empty for never.
	interrupts string
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
	switch {
	case errors.Is(err, errTaken):
		return nil, simulated.Interruption
	case err != nil:
		return nil, "AlgorithmError: " + err.Error()
	}
	return outputs, ""
}

// errTaken ends a container whose capacity was taken away.
var errTaken = errors.New("the capacity was taken away")

func (c *containers) try(job simulated.StepRun) (map[string][]byte, error) {
	root := filepath.Join(c.root, fmt.Sprint(job.Step, c.count.Add(1))) + "/"
	inside := func(path string) string { return strings.ReplaceAll(path, jobRoot, root) }
	for name, at := range inputsOf(job) {
		if err := layOut(inside(at), job.Inputs[name]); err != nil {
			return nil, err
		}
	}
	outs := outputsAt(job)
	for _, at := range outs { // SageMaker makes them
		if err := os.MkdirAll(inside(at), 0o755); err != nil {
			return nil, err
		}
	}
	checkpoints := ""
	if at, kept := member(job.Arguments, "CheckpointConfig")["LocalPath"]; kept {
		checkpoints = inside(fmt.Sprint(at))
		if err := layOut(checkpoints, job.Checkpoints); err != nil {
			return nil, err
		}
	}
	failed := c.execute(job, root, inside, checkpoints)
	if checkpoints != "" { // the directory may not be there: AWS's own samples make it
		if err := gather(job.Checkpoints, "", checkpoints); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if failed != nil {
		return nil, failed
	}
	written := map[string][]byte{}
	for name, at := range outs {
		if err := gather(written, name+"/", inside(at)); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// inputsOf are the directories of a job's inputs: those that a processing job names,
// or those of a training job's channels.
func inputsOf(job simulated.StepRun) map[string]string {
	all := map[string]string{}
	for _, in := range list(job.Arguments, "ProcessingInputs") {
		all[fmt.Sprint(in["InputName"])] = fmt.Sprint(member(in, "S3Input")["LocalPath"])
	}
	for _, in := range list(job.Arguments, "InputDataConfig") {
		all[fmt.Sprint(in["ChannelName"])] = "/opt/ml/input/data/" + fmt.Sprint(in["ChannelName"])
	}
	return all
}

// outputsAt are the directories of a job's outputs.
func outputsAt(job simulated.StepRun) map[string]string {
	if job.Kind == "Training" {
		return map[string]string{"model": "/opt/ml/model"}
	}
	all := map[string]string{}
	for _, out := range list(member(job.Arguments, "ProcessingOutputConfig"), "Outputs") {
		all[fmt.Sprint(out["OutputName"])] = fmt.Sprint(member(out, "S3Output")["LocalPath"])
	}
	return all
}

// execute runs the entrypoint. What it says in its message is why it failed.
func (c *containers) execute(job simulated.StepRun, root string, inside func(string) string, checkpoints string) error {
	var command []string
	app, message := member(job.Arguments, "AppSpecification"), "output/message"
	if job.Kind == "Training" {
		app, message = member(job.Arguments, "AlgorithmSpecification"), "output/failure"
	}
	entrypoint, _ := app["ContainerEntrypoint"].([]any)
	for _, part := range entrypoint {
		command = append(command, inside(fmt.Sprint(part)))
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + root, "MLOPS_ROOT=" + root}, c.env...)
	for key, value := range member(job.Arguments, "Environment") {
		cmd.Env = append(cmd.Env, key+"="+inside(fmt.Sprint(value)))
	}
	printed, err := c.wait(cmd, job, checkpoints)
	if err == nil || errors.Is(err, errTaken) {
		return err
	}
	if said, readErr := os.ReadFile(filepath.Join(root, message)); readErr == nil {
		return errors.New(string(said))
	}
	return fmt.Errorf("%w: %s", err, printed)
}

// wait runs a container to its end, or until its capacity is taken away.
func (c *containers) wait(cmd *exec.Cmd, job simulated.StepRun, checkpoints string) ([]byte, error) {
	if c.interrupts == "" || checkpoints == "" || job.Interruptions > 0 {
		return cmd.CombinedOutput()
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
		if _, err := os.Stat(filepath.Join(checkpoints, c.interrupts)); err == nil {
			err := cmd.Process.Kill()
			<-ended
			return nil, errors.Join(errTaken, err)
		}
	}
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

// gather reads the files below a directory, by their paths behind a prefix.
func gather(into map[string][]byte, prefix, directory string) error {
	return filepath.WalkDir(directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(directory, path)
		into[prefix+filepath.ToSlash(relative)] = content
		return err
	})
}
