package runner

import (
	"context"
	"os"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// remove ends what is left of a run's processes, removes its files, then its
// record: whatever interrupts it, the record still tells that there is
// something to remove.
func (s *Service) remove(ctx context.Context, r record) error {
	dir, err := s.directory(ctx, r.ID)
	if err != nil {
		return err
	}
	e := &execution{Service: s, id: r.ID}
	e.plan.Directory = dir
	if e.steps, err = s.Store.Steps(ctx, r.ID); err != nil {
		return err
	}
	for name, step := range e.steps {
		if step.State != mlops.RunRunning {
			continue
		}
		if h, err := process.Recover(e.stateDir(name, step.Attempt)); err == nil {
			h.Stop(ctx, stopGrace)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	s.removeEmpty(filepath.Dir(dir), filepath.Dir(filepath.Dir(dir)))
	err = s.Store.Runs().Delete(ctx, r.ID, nil)
	if mlops.CodeOf(err) == mlops.NotFound {
		return nil
	}
	return err
}

// removeEmpty removes those directories that are empty.
func (s *Service) removeEmpty(dirs ...string) {
	s.dirs.Lock() // another run may be making its own there
	defer s.dirs.Unlock()
	for _, dir := range dirs {
		_ = os.Remove(dir)
	}
}

// makeDirs makes directories and their parents.
func (s *Service) makeDirs(dirs ...string) error {
	s.dirs.RLock()
	defer s.dirs.RUnlock()
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, dirMode); err != nil {
			return err
		}
	}
	return nil
}
