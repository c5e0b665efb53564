package registry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The target setting that brings a directory, and the attribute it is in HCL.
const (
	directorySetting = "directory"
	directoryField   = "local.directory"
)

// Environments is the kind of environments. Each has a directory of its own.
type Environments struct{ *Registry }

type environmentRecord = store.Record[mlops.EnvironmentSpec, mlops.EnvironmentStatus]

// Create makes the environment's directory and puts the spec in force.
func (e *Environments) Create(ctx context.Context, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	if err := checkEnvironment(spec); err != nil {
		return mlops.Change{}, err
	}
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	token, err := e.settleRegistry(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	e.places.Lock()
	defer e.places.Unlock()
	place := e.place(spec)
	undo, err := place.claim()
	if err != nil {
		return mlops.Change{}, err
	}
	c, err := e.write(ctx, spec, token, createTx)
	if err != nil {
		undo()
	}
	return c, err
}

// Update puts the spec in force. The directory cannot change.
func (e *Environments) Update(ctx context.Context, ref mlops.ID, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	if err := checkEnvironment(spec); err != nil {
		return mlops.Change{}, err
	}
	if err := stays(ref, spec.ID); err != nil {
		return mlops.Change{}, err
	}
	token, err := e.settleRegistry(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	return e.write(ctx, spec, token, updateTx)
}

// environmentWriter is createTx or updateTx.
type environmentWriter func(context.Context, *store.Tx, store.Table[mlops.EnvironmentSpec, mlops.EnvironmentStatus], mlops.ID, mlops.EnvironmentSpec, guard, []func(*environmentRecord)) (mlops.Change, error)

// write puts a spec in force without its secrets, and keeps those sealed.
func (e *Environments) write(ctx context.Context, spec mlops.EnvironmentSpec, token string, write environmentWriter) (mlops.Change, error) {
	return change(ctx, e.Store, func(tx *store.Tx) (mlops.Change, error) {
		c, err := write(ctx, tx, e.Store.Environments(), spec.ID, spec.WithoutSecrets(), e.keepsPlace(ctx, spec), nil)
		if err != nil {
			return c, err
		}
		return c, putRegistry(ctx, tx, spec, token)
	})
}

// keepsPlace refuses to move an environment that is there to another directory.
func (e *Environments) keepsPlace(ctx context.Context, spec mlops.EnvironmentSpec) guard {
	return func(tx *store.Tx) error {
		r, err := e.Store.Environments().GetTx(ctx, tx, spec.ID)
		if mlops.CodeOf(err) == mlops.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if is, wanted := e.Layout.EnvironmentDir(r.Spec), e.Layout.EnvironmentDir(spec); is != wanted {
			return mlops.InvalidField(directoryField, "%s is in %s and cannot move to %s; replace it", spec.ID, is, wanted)
		}
		return nil
	}
}

// Get takes one look.
func (e *Environments) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus], error) {
	return get(ctx, e.Store.Environments(), ref, e.observe)
}

// List returns every environment: they have no parent.
func (e *Environments) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus], error) {
	return list(ctx, e.Store.Environments(), under, e.observe)
}

// Delete removes an environment that nothing is in, with all that was made in
// its directory. One that is protected is Invalid, one that holds anything is a
// Conflict. What somebody removed from a shared registry is not in it.
func (e *Environments) Delete(ctx context.Context, ref mlops.ID) error {
	err := e.remove(ctx, ref)
	if mlops.CodeOf(err) != mlops.Conflict {
		return err
	}
	at, atErr := e.shared(ctx, ref)
	if atErr != nil || at == nil {
		return errors.Join(err, atErr)
	}
	if tidied := e.tidy(ctx, at, ref); tidied != nil {
		return tidied
	}
	return e.remove(ctx, ref)
}

func (e *Environments) remove(ctx context.Context, ref mlops.ID) error {
	e.places.Lock()
	defer e.places.Unlock()
	r, err := e.Store.Environments().Change(ctx, ref, func(tx *store.Tx, r *environmentRecord) error {
		if r.Spec.DeletionProtection {
			return mlops.InvalidField("deletion_protection", "%s is protected; set deletion_protection = false and apply, then delete it", ref)
		}
		r.Phase = mlops.PhaseDeleting
		return vacant(ctx, tx, ref)
	})
	if err != nil {
		return err
	}
	return e.removeEnvironment(ctx, r)
}

// removeEnvironment removes the files, then the record: if it is interrupted
// between the two, the record still tells what to finish.
func (g *Registry) removeEnvironment(ctx context.Context, r environmentRecord) error {
	if err := g.place(r.Spec).release(); err != nil {
		return err
	}
	return g.Store.Environments().Delete(ctx, r.ID, nil)
}

func (g *Registry) place(spec mlops.EnvironmentSpec) place {
	return place{
		Dir:      g.Layout.EnvironmentDir(spec),
		Marker:   marker{Environment: spec.ID, Engine: g.Layout.Root},
		Brought:  spec.Target.Settings.String(directorySetting) != "",
		Excluded: g.Layout.Root,
	}
}

func (e *Environments) observe(r environmentRecord) mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	o := r.Observed()
	o.Status.CreatedAt = r.Created
	o.Native = map[string]string{"directory": e.Layout.EnvironmentDir(o.Spec)}
	return o
}

func checkEnvironment(spec mlops.EnvironmentSpec) error {
	if err := check(spec.Name, spec); err != nil {
		return err
	}
	if want := mlops.EnvironmentID(spec.Target.Backend, nil, spec.Name); spec.ID != want || spec.ID.Backend() != "local" {
		return mlops.InvalidField("name", "%q is not the ID of an environment %q of this engine", spec.ID, spec.Name)
	}
	if dir := spec.Target.Settings.String(directorySetting); dir != "" && (!filepath.IsAbs(dir) || filepath.Clean(dir) != dir) {
		return mlops.InvalidField(directoryField, "%q is not a clean absolute path; write abspath(%q)", dir, dir)
	}
	return nil
}

// vacant refuses, as a Conflict, what still has objects below it.
func vacant(ctx context.Context, tx *store.Tx, id mlops.ID) error {
	n, err := tx.Children(ctx, id)
	if err != nil || n == 0 {
		return err
	}
	return mlops.NewError(mlops.Conflict, fmt.Errorf("%s still holds %d objects; delete them first", id, n))
}
