package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// markerName is the file that says whose an environment's directory is.
const markerName = ".mlops-environment.json"

// marker says whose a directory is.
type marker struct {
	Environment mlops.ID `json:"environment"`
	Engine      string   `json:"engine"` // its directory
	Made        bool     `json:"made"`   // the engine made the directory, and removes it
}

// same reports whether two markers name the same environment.
func (m marker) same(n marker) bool { return m.Environment == n.Environment && m.Engine == n.Engine }

// place is an environment's directory.
type place struct {
	Dir      string
	Marker   marker
	Brought  bool   // by the user, who may keep other files there
	Excluded string // where no environment may be: the engine's own directory
}

// claim makes the directory if need be and marks it. One that belongs to
// another environment is a Conflict. undo takes back what this call did.
func (p place) claim() (undo func(), err error) {
	if p.Dir == p.Excluded {
		return nil, mlops.InvalidField(directoryField, "%s is the engine's own directory; give the environment another", p.Dir)
	}
	had, err := p.marked()
	switch {
	case err != nil:
		return nil, err
	case had != nil && had.same(p.Marker):
		return func() {}, nil
	case had != nil:
		return nil, mlops.NewError(mlops.Conflict, fmt.Errorf("the directory %s belongs to the environment %s of the engine in %s", p.Dir, had.Environment, had.Engine))
	}
	_, err = os.Stat(p.Dir)
	p.Marker.Made = errors.Is(err, fs.ErrNotExist)
	undo = func() { _ = p.release() } // nothing is lost if it fails: the next claim finds it
	if err := p.mark(); err != nil {
		undo()
		return nil, fmt.Errorf("make the environment's directory: %w", err)
	}
	return undo, nil
}

// marked reads the marker of the directory, nil if there is none.
func (p place) marked() (*marker, error) {
	b, err := os.ReadFile(filepath.Join(p.Dir, markerName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no marker is an answer
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, mlops.InvalidField(directoryField, "%s is not a directory", p.Dir)
	}
	if err != nil {
		return nil, err
	}
	var m marker
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, mlops.NewError(mlops.Failed, fmt.Errorf("%s is damaged; if the directory is no environment's, remove that file: %w", filepath.Join(p.Dir, markerName), err))
	}
	return &m, nil
}

func (p place) mark() error {
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(p.Marker)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.Dir, markerName), b, 0o600)
}

// release removes what the engine made: its own directories, the marker, and
// the directory where nothing else is in it and the engine made it.
func (p place) release() error {
	had, err := p.marked()
	if err != nil {
		return err
	}
	if had == nil { // claimed by an engine that was ended before it left a mark
		had = &p.Marker
	}
	if !had.same(p.Marker) {
		return nil // somebody else's since: not ours to touch
	}
	errs := []error{}
	for _, dir := range layout.Contents(p.Dir) {
		errs = append(errs, os.RemoveAll(dir))
	}
	errs = append(errs, remove(filepath.Join(p.Dir, markerName)))
	if err := errors.Join(errs...); err != nil || (p.Brought && !had.Made) {
		return err
	}
	_ = os.Remove(p.Dir) // stays if the user keeps files in it
	if !p.Brought {
		_ = os.Remove(filepath.Dir(p.Dir)) // stays while another environment is there
	}
	return nil
}

func remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
