package runner

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// workOf digests all that decides what a step puts out.
func (e *execution) workOf(j *job) (string, error) {
	value := e.canonical(j)
	command, err := renderAll(j.step.Command, value)
	if err != nil {
		return "", err
	}
	env := make(map[string]string, len(j.step.Env))
	for name, text := range j.step.Env {
		if env[name], err = render(text, value); err != nil {
			return "", fmt.Errorf("env %q: %w", name, err)
		}
	}
	return mlops.DigestOf(struct {
		Script, Image     string
		Command           []string
		Packages, Outputs []string
		Env, Inputs       map[string]string
	}{
		j.step.Script, j.step.Image, command,
		slices.Sorted(slices.Values(j.step.Packages)), slices.Sorted(slices.Values(j.step.Outputs)),
		env, j.lineage.Inputs,
	}), nil
}

// fromCache takes over the outputs of an earlier step that did the same work,
// and reports whether it could.
func (e *execution) fromCache(ctx context.Context, j *job, at store.Step) (bool, error) {
	if j.step.NoCache || at.Attempt > 0 { // what has begun is carried through
		return false, nil
	}
	earlier, err := e.Store.Cached(ctx, e.id.Environment(), j.work)
	if mlops.CodeOf(err) == mlops.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	j.place(filepath.Join(e.stepDir(j.name), "cached"))
	if err := e.takeOver(ctx, j, earlier); err != nil {
		e.Log.Info("did not take over an earlier step's outputs", "run", e.id, "step", j.name, "earlier", earlier.Run, "error", err)
		return false, os.RemoveAll(j.dir)
	}
	at.StartedAt = time.Now().UTC()
	if err := j.collect(&at); err != nil {
		return false, os.RemoveAll(j.dir)
	}
	at.State, at.Cached, at.FinishedAt = mlops.RunSucceeded, true, time.Now().UTC()
	return true, e.put(ctx, j.name, at)
}

// takeOver links or copies the outputs of an earlier step into this one's
// place, so that each run can be removed on its own. It refuses those that are
// no longer what they were.
func (e *execution) takeOver(ctx context.Context, j *job, earlier store.CachedStep) error {
	if err := e.makeDirs(j.outputsDir()); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(earlier.Outputs)) {
		out := earlier.Outputs[name]
		if err := linkTree(ctx, out.Path, j.outputPath(name)); err != nil {
			return err
		}
		digest, _, err := blob.Digest(j.outputPath(name))
		if err != nil {
			return err
		}
		if digest != out.Digest {
			return fmt.Errorf("output %q of step %q has been changed since", name, earlier.Step)
		}
	}
	return nil
}

// linkTree makes dst the same file or tree as src, by hard links where the file
// system can.
func linkTree(ctx context.Context, src, dst string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(to, dirMode)
		}
		if os.Link(path, to) == nil { //nolint:gosec // below the engine's own directories
			return nil
		}
		return copyFile(path, to)
	})
}

func copyFile(src, dst string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}
