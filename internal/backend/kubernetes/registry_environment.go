package kubernetes

import (
	"context"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// preflightServer asks the registry of a spec, at plan, whether it can be used, and
// refuses to give up or to move one that has models.
func (k environmentKind) preflightServer(ctx context.Context, c *mlops.Checker, spec mlops.EnvironmentSpec, s environmentScene, seen seenEnvironment) error {
	full, err := k.registryWith(ctx, spec, s, seen)
	if err == nil {
		err = k.keepsModels(ctx, spec, full, s, seen)
	}
	switch {
	case k.is(err, mlops.Unavailable):
		c.Warn(mlops.MLflow{}.At("uri"), "The registry does not answer", "%s. It has to when this is applied.", mlops.Message(err))
		return nil
	case err != nil:
		return k.report(c, err)
	case full == nil:
		return nil
	}
	k.registries.plan(spec.ID, *full)
	return mlflow.Preflight(ctx, *full, k.agent(), c)
}

// settleServer refuses a registry that cannot be used, or cannot take the place of the
// one that there is.
func (k environmentKind) settleServer(ctx context.Context, spec mlops.EnvironmentSpec, s environmentScene, seen seenEnvironment) error {
	full, err := k.registryWith(ctx, spec, s, seen)
	if err != nil {
		return err
	}
	if full != nil {
		if err := mlflow.Probe(ctx, *full, k.agent()); err != nil {
			return err
		}
	}
	if err := k.keepsModels(ctx, spec, full, s, seen); err != nil {
		return err
	}
	k.registries.settled(spec.ID)
	return nil
}

// registryWith is the registry of a spec with its token: the one that was given, or,
// where the spec has but its mark, the one that the environment's secret has. Another
// address or another user has to be given the token anew: it would be sent to whoever
// is there. It is nil where the spec has no registry.
func (k environmentKind) registryWith(ctx context.Context, spec mlops.EnvironmentSpec, s environmentScene, seen seenEnvironment) (*mlops.MLflow, error) {
	server := spec.MLflowRegistry()
	if server == nil || server.Token != "" || server.Mark == "" {
		return server, nil
	}
	var was *mlops.MLflow
	if seen.record.Spec != nil {
		old, err := seen.spec()
		if err != nil {
			return nil, err
		}
		was = old.MLflowRegistry()
	}
	if was == nil || *was != *server {
		return nil, refuseServer(*server, "token", "the token for %s is not known here; give it again", server.URI)
	}
	full, err := place{layout: layoutOf(spec), cluster: s.cluster}.registryServer(ctx)
	if isNotFound(err) {
		return nil, refuseServer(*server, "token", "the secret %s, which had the token, is gone; give it again", nameOfRegistry)
	}
	return full, err
}

// keepsModels refuses a change of the registry that would lose models, experiments or
// datasets: while an environment has any, it can only move to where they are too.
func (k environmentKind) keepsModels(ctx context.Context, spec mlops.EnvironmentSpec, to *mlops.MLflow, s environmentScene, seen seenEnvironment) error {
	if seen.record.Spec == nil {
		return nil
	}
	old, err := seen.spec()
	if err != nil {
		return err
	}
	was := old.MLflowRegistry()
	if was == nil || to != nil && was.URI == to.URI {
		return nil
	}
	l := layoutOf(old)
	l.whereabouts = seen.whereabouts
	from, err := place{layout: l, cluster: s.cluster}.registryServer(ctx)
	if isNotFound(err) {
		return refuseServer(*was, "token", "what is at %s cannot be looked at, for the secret %s, which had the token, is gone; apply the registry with its token once more, then change it", was.URI, nameOfRegistry)
	}
	if err != nil {
		return err
	}
	needed, err := k.holdings(ctx, *from, spec.ID)
	if err != nil || len(needed) == 0 {
		return err
	}
	if to == nil {
		return &mlops.Error{Code: mlops.Invalid, Field: "registry", Err: fmt.Errorf(
			"%s has models, experiments or datasets; its registry is taken away while there are none. Make another environment and promote the models to it, or delete all of them first", spec.ID)}
	}
	has, err := k.holdings(ctx, *to, spec.ID)
	if err != nil {
		return err
	}
	for id, digest := range needed {
		if is, ok := has[id]; !ok || is != digest {
			return refuseServer(*to, "uri", "%s is not at %s; a registry moves with all that is in it. Restore it there, or delete what the environment has in it first", id, to.URI)
		}
	}
	return nil
}

// holdings are the models, versions, experiments and datasets of an environment that a
// server has.
func (k environmentKind) holdings(ctx context.Context, server mlops.MLflow, environment mlops.ID) (map[mlops.ID]string, error) {
	client, err := mlflow.Connect(server, k.agent())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	all, err := mlflow.NewRegistry(client, nil).Holdings(ctx, environment)
	if err != nil {
		return nil, err
	}
	for _, noun := range []mlops.Noun{mlops.NounExperiment, mlops.NounDataset} {
		carriers, err := client.Carriers(ctx, environment, noun)
		if err != nil {
			return nil, err
		}
		for _, c := range carriers {
			all[c.Object] = ""
		}
	}
	return all, nil
}

// refuseServer refuses an attribute of a registry.
func refuseServer(server mlops.MLflow, attribute, format string, args ...any) error {
	return mlops.InvalidField(server.At(attribute).String(), format, args...)
}
