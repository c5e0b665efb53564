package registry

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// registryField is the attribute that a registry is in HCL.
const registryField = "registry"

// purpose is what the token of an environment's registry is sealed for.
func purpose(environment mlops.ID) string { return "registry of " + string(environment) }

// registryToken is the token for the registry of an environment, or "".
func (g *Registry) registryToken(ctx context.Context, environment mlops.ID) (string, error) {
	sealed, err := g.Store.RegistryToken(ctx, environment)
	if err != nil || sealed == "" {
		return "", err
	}
	token, err := g.Keys.Unseal(purpose(environment), sealed)
	return string(token), err
}

// settleRegistry refuses a registry that cannot be used, or cannot take the place of
// the one that there is, and returns the spec's token, sealed.
func (e *Environments) settleRegistry(ctx context.Context, spec mlops.EnvironmentSpec) (sealed string, err error) {
	old, err := e.Store.Environments().Get(ctx, spec.ID)
	if err != nil && mlops.CodeOf(err) != mlops.NotFound {
		return "", err
	}
	was, server := old.Spec.MLflowRegistry(), spec.MLflowRegistry()
	if server == nil {
		return "", e.keepsRegistry(ctx, spec.ID, was, nil)
	}
	full, known, err := e.withToken(ctx, spec.ID, *server, was)
	if err != nil {
		return "", err
	}
	if !known {
		if err := mlflow.Probe(ctx, full, e.agent()); err != nil {
			return "", err
		}
		if err := e.keepsRegistry(ctx, spec.ID, was, &full); err != nil {
			return "", err
		}
	}
	if full.Token == "" {
		return "", nil
	}
	return e.Keys.Seal(purpose(spec.ID), []byte(full.Token)), nil
}

// withToken completes a server with its token, and reports whether it is the one that
// the environment has, in all. A token that is only marked is the one that is kept,
// for the same address.
func (e *Environments) withToken(ctx context.Context, environment mlops.ID, server mlops.MLflow, was *mlops.MLflow) (full mlops.MLflow, known bool, err error) {
	if was == nil {
		was = &mlops.MLflow{}
	}
	kept, err := e.registryToken(ctx, environment)
	if err != nil {
		return server, false, err
	}
	if server.Token == "" && server.Mark != "" {
		if kept == "" || was.Mark != server.Mark || was.URI != server.URI {
			return server, false, mlops.InvalidField(server.At("token").String(), "the token for %s is not known here; give it again", server.URI)
		}
		server.Token = kept
	}
	return server, server.URI == was.URI && server.Username == was.Username && server.Token == kept, nil
}

// keepsRegistry refuses a change of the registry that would lose models: while an
// environment has any, it can only move to where they are too.
func (e *Environments) keepsRegistry(ctx context.Context, environment mlops.ID, was, server *mlops.MLflow) error {
	if was == nil && server == nil || was != nil && server != nil && was.URI == server.URI {
		return nil
	}
	models, err := e.Store.Models().List(ctx, environment)
	if err != nil || len(models) == 0 {
		return err
	}
	if was == nil || server == nil {
		return mlops.InvalidField(registryField, "%s has models; a registry is given or taken away while there are none. Make another environment and promote them to it, or delete them first", environment)
	}
	versions, err := e.Store.Versions().List(ctx, environment)
	if err != nil {
		return err
	}
	needed := map[mlops.ID]string{}
	for _, m := range models {
		needed[m.ID] = ""
	}
	for _, v := range versions {
		needed[v.ID] = v.Status.Digest
	}
	return e.hasAll(ctx, environment, *server, needed)
}

// hasAll refuses a server that does not have what an environment needs.
func (e *Environments) hasAll(ctx context.Context, environment mlops.ID, server mlops.MLflow, needed map[mlops.ID]string) error {
	client, err := mlflow.Connect(server, e.agent())
	if err != nil {
		return err
	}
	defer client.Close()
	has, err := mlflow.NewRegistry(client, nothingElse).Holdings(ctx, environment)
	if err != nil {
		return err
	}
	for id, digest := range needed {
		if is, ok := has[id]; !ok || is != digest {
			return mlops.InvalidField(server.At("uri").String(), "%s is not at %s; a registry moves with all that is in it. Restore it there, or delete the environment's models first", id, server.URI)
		}
	}
	return nil
}

// putRegistry writes what is kept sealed of a registry, beside its environment.
func putRegistry(ctx context.Context, tx *store.Tx, spec mlops.EnvironmentSpec, sealed string) error {
	if spec.Registry == nil {
		sealed = ""
	}
	return tx.PutRegistry(ctx, spec.ID, sealed)
}
