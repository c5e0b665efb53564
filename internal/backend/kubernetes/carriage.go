package kubernetes

import (
	"context"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// carriage is where an object is that an experiment of MLflow carries: which one, and
// the server to ask.
type carriage struct {
	*registry

	id mlops.ID
}

// carriageOf finds the server that would have an object of a noun. An environment that is
// not there, or has no registry, is NotFound.
func (b *backend) carriageOf(ctx context.Context, id mlops.ID, noun mlops.Noun) (carriage, error) {
	if err := ctx.Err(); err != nil {
		return carriage{}, err
	}
	r, err := b.registryOf(ctx, id, noun)
	return carriage{r, id}, err
}

// admitCarried refuses a spec that can never be, or whose environment is not there or
// has no server to keep it.
func (b *backend) admitCarried(ctx context.Context, id mlops.ID, noun mlops.Noun, spec mlops.Spec) error {
	if err := b.admitted(ctx, id, noun, spec); err != nil {
		return err
	}
	_, err := b.registryToMake(ctx, id, noun)
	return err
}

// look finds the experiment that carries the object. verbs.ErrNoRecord is in the error
// of one of that name that is not the object's.
func (s carriage) look(ctx context.Context) (mlflow.Carrier, error) {
	found, err := s.client.Carrier(ctx, s.id)
	if err != nil || found.Object == s.id {
		return found, err
	}
	if found.Object == "" {
		return found, invalid(fmt.Errorf("the experiment %s in MLflow: %w", found.Name, verbs.ErrNoRecord))
	}
	return found, invalid(fmt.Errorf("the experiment %s in MLflow is %s; choose another name for the object or the environment: %w", found.Name, found.Object, verbs.ErrNoRecord))
}

// native tells other providers, and people, what to look for in MLflow.
func (s carriage) native(of mlflow.Carrier) map[string]string {
	return map[string]string{"experiment": of.Name, "experiment_id": of.ID, "uri": s.server.URI}
}

// preflightCarried refuses at plan an object that the environment has no server for, or
// whose name is taken there. A server that does not answer is left to the apply.
func (b *backend) preflightCarried(ctx context.Context, c *mlops.Checker, environment, id mlops.ID, noun mlops.Noun) error {
	if environment == "" {
		return ctx.Err() // nothing is known of it yet
	}
	r, err := b.preflightRegistry(ctx, c, environment, noun)
	if r == nil || err != nil || id == "" {
		return err
	}
	found, err := r.client.Carrier(ctx, id)
	switch {
	case b.is(err, mlops.NotFound), b.is(err, mlops.Unavailable):
		return nil
	case err != nil:
		return err
	case found.Object == "":
		c.Add(mlops.At("name"), "Taken", "The experiment %s in MLflow was made by something else; rename it there, or choose another name.", found.Name)
	case found.Object != id:
		c.Add(mlops.At("name"), "Taken", "The experiment %s in MLflow is %s; choose another name for the object or the environment.", found.Name, found.Object)
	}
	return nil
}
