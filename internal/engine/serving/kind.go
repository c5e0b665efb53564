package serving

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type record = store.Record[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

// Observed is one look at an endpoint.
type Observed = mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

// Create accepts an endpoint, or a change to one of the same owner, and begins
// to bring it about.
func (s *Service) Create(ctx context.Context, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	return s.accept(ctx, spec, s.table.Accept)
}

// Update accepts a change and begins to bring it about. A change that is still
// under way is given up for it.
func (s *Service) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	if _, err := s.table.Get(ctx, ref); err != nil {
		return mlops.Change{}, err
	}
	if spec.ID() != ref {
		return mlops.Change{}, mlops.NewError(mlops.Invalid, fmt.Errorf("%s cannot become %s: an endpoint keeps its environment and name", ref, spec.ID()))
	}
	return s.accept(ctx, spec, s.table.Revise)
}

// writer is the store's way to take a spec: Accept or Revise.
type writer func(ctx context.Context, id mlops.ID, owner string, spec mlops.ModelEndpointSpec, guard func(tx *store.Tx, old *record) error) (record, error)

func (s *Service) accept(ctx context.Context, spec mlops.ModelEndpointSpec, write writer) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	if err := check(spec); err != nil {
		return mlops.Change{}, err
	}
	r, err := write(ctx, spec.ID(), api.Owner(ctx), spec, func(tx *store.Tx, old *record) error {
		if old != nil && old.Phase == mlops.PhaseDeleting {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is being deleted", old.ID))
		}
		return s.checkReferences(ctx, tx, spec)
	})
	if err != nil {
		return mlops.Change{}, err
	}
	revision := r.Revision
	if r.Wanted != nil {
		revision = r.WantedRevision
	}
	return mlops.Change{Ref: r.ID, Revision: revision}, s.tell(ctx, r)
}

// check refuses what can be known to be wrong from the spec alone.
func check(spec mlops.ModelEndpointSpec) error {
	c := mlops.NewChecker()
	spec.Validate(c)
	mlops.PortableName().CheckName(c, mlops.At("name"), spec.Name)
	if err := c.Err(); err != nil {
		return err
	}
	for name, v := range spec.Variants {
		if v.Compute != nil && v.Compute.Accelerator != nil {
			return &mlops.Error{
				Code: mlops.Unsupported, Field: mlops.At("variants", mlops.Key(name), "compute", "accelerator").String(),
				Err: errors.New("this engine does not share out accelerators; leave it out, and the model server finds those of the machine"),
			}
		}
	}
	if spec.Schedule == nil {
		return nil
	}
	_, err := hoursOf(spec.Schedule)
	return err
}

// Get takes one look at an endpoint.
func (s *Service) Get(ctx context.Context, ref mlops.ID) (Observed, error) {
	if err := ctx.Err(); err != nil {
		return Observed{}, err
	}
	r, err := s.table.Get(ctx, ref)
	if err != nil {
		return Observed{}, err
	}
	return s.observe(ctx, r)
}

// List takes one look at every endpoint of an environment.
func (s *Service) List(ctx context.Context, parent mlops.ID) ([]Observed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, err := s.table.List(ctx, parent)
	if err != nil {
		return nil, err
	}
	out := make([]Observed, 0, len(all))
	for _, r := range all {
		o, err := s.observe(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// Delete begins to drain and remove an endpoint. It is gone when Get says so. One
// that is protected is Invalid, one that a monitor watches is a Conflict.
func (s *Service) Delete(ctx context.Context, ref mlops.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := s.table.Change(ctx, ref, func(tx *store.Tx, r *record) error {
		if err := s.mayDelete(ctx, tx, r); err != nil {
			return err
		}
		return deleting(tx, r)
	})
	if err != nil {
		return err
	}
	return s.tell(ctx, r)
}

// mayDelete refuses what is protected, and what is watched. Nothing of an
// endpoint that never served is worth protecting.
func (s *Service) mayDelete(ctx context.Context, tx *store.Tx, r *record) error {
	if r.Revision != "" && r.Spec.DeletionProtection {
		return invalid("deletion_protection", fmt.Errorf("%s is protected; set deletion_protection = false and apply, then delete it", r.ID))
	}
	monitors, err := s.Store.Monitors().ListTx(ctx, tx, r.ID.Environment())
	if err != nil {
		return err
	}
	for _, m := range monitors {
		if m.Phase != mlops.PhaseDeleting && m.Observed().Spec.Endpoint == r.ID {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is watched by %s; delete the monitor first", r.ID, m.ID))
		}
	}
	return nil
}

func deleting(_ *store.Tx, r *record) error {
	r.Phase, r.Reason = mlops.PhaseDeleting, ""
	return nil
}

// observe adds to a record what is known only now.
func (s *Service) observe(ctx context.Context, r record) (Observed, error) {
	dir, err := s.environmentDir(ctx, r.ID)
	if err != nil {
		return Observed{}, err
	}
	o := r.Observed()
	o.Status.URL = s.url(r.ID)
	if o.Status.Serving == nil {
		o.Status.Serving = map[string]mlops.Serving{}
	}
	o.Status.Replicas = map[string]int64{}
	if e := s.find(r.ID); e != nil {
		o.Status.Replicas = e.replicas()
		o.Status.Rollout = e.rolloutNow(o.Status.Rollout)
		o.Status.Asleep = e.isAsleep()
	}
	o.Native = map[string]string{
		"url":               o.Status.URL,
		"capture_directory": layout.CaptureDir(dir, r.ID.Name()),
		"log_directory":     logDir(layout.EndpointDir(dir, r.ID.Name())),
	}
	return o, nil
}

// Credentials returns what a client needs to send requests to an endpoint. The
// token of one that has access "token" is its own, from its creation to its
// deletion.
func (s *Service) Credentials(ctx context.Context, ref mlops.ID) (mlops.Credentials, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Credentials{}, err
	}
	r, err := s.table.Get(ctx, ref)
	if err != nil {
		return mlops.Credentials{}, err
	}
	c := mlops.Credentials{URL: s.url(ref), Headers: map[string]string{}}
	if r.Observed().Spec.Access == mlops.AccessToken {
		c.Token = s.token(ref, r.Created)
		c.Headers["Authorization"] = "Bearer " + c.Token
	}
	return c, nil
}

// token is that of an endpoint, which no store has: it is made of the engine's
// key whenever it is needed.
func (s *Service) token(id mlops.ID, created time.Time) string {
	return s.Keys.Token(string(id), strconv.FormatInt(created.UnixNano(), 10))
}

// url is where an endpoint answers.
func (s *Service) url(id mlops.ID) string {
	return "http://" + s.address + "/" + id.Environment().Name() + "/" + id.Name()
}

func (s *Service) environmentDir(ctx context.Context, id mlops.ID) (string, error) {
	env, err := s.Store.Environments().Get(ctx, id.Environment())
	if err != nil {
		return "", err
	}
	return s.Layout.EnvironmentDir(env.Observed().Spec), nil
}
