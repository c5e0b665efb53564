package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/local"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// owner is the configuration that acts.
const owner = "bench"

// lab is an engine with an environment and a version to serve in it.
type lab struct {
	engine      *engine
	backend     mlops.Backend
	environment mlops.ID
	version     mlops.ID
}

// openLab starts an engine below the site's directory.
func openLab(ctx context.Context, s site) (*lab, error) {
	dir := filepath.Join(s.dir, "engine")
	started, err := startEngine(ctx, s.binary, dir)
	if err != nil {
		return nil, err
	}
	l := &lab{engine: started}
	l.backend, err = local.Factory().Open(ctx, mlops.Options{
		Settings: mlops.Settings{"directory": dir}, Owner: owner, Version: started.version,
	})
	if err == nil {
		err = l.furnish(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(err, l.close(ctx))
	}
	return l, nil
}

// close stops the engine and all that it runs.
func (l *lab) close(ctx context.Context) error {
	err := l.engine.stop(ctx)
	if l.backend != nil {
		err = errors.Join(err, l.backend.Close())
	}
	return err
}

func (l *lab) furnish(ctx context.Context, s site) error {
	l.environment = mlops.EnvironmentID("local", nil, "bench")
	environment := mlops.EnvironmentSpec{ID: l.environment, Name: "bench", Stage: "dev", Target: mlops.Target{Backend: "local"}}
	if _, err := create(ctx, l, mlops.NounEnvironment, l.backend.Environments(), environment); err != nil {
		return err
	}
	model, err := create(ctx, l, mlops.NounModel, l.backend.Models(), mlops.ModelSpec{Environment: l.environment, Name: "forest"})
	if err != nil {
		return err
	}
	artifact := filepath.Join(s.dir, "forest.txt")
	if err := os.WriteFile(artifact, []byte("grown by the server itself\n"), 0o600); err != nil {
		return err
	}
	version, err := create(ctx, l, mlops.NounModelVersion, l.backend.ModelVersions(), mlops.ModelVersionSpec{
		Model: model.Ref, ArtifactURI: "file://" + artifact, Format: "custom", Command: []string{s.self, roleServer}, Approval: "approved",
	})
	l.version = version.Ref
	return err
}

// serve makes an endpoint of one variant, whose server has these settings, and
// returns it with the server's note.
func (l *lab) serve(ctx context.Context, s site, name string, env map[string]string, capture *mlops.Capture) (served, error) {
	path := filepath.Join(s.dir, name+".note")
	settings := map[string]string{envNote: path}
	maps.Copy(settings, env)
	seen, err := create(ctx, l, mlops.NounModelEndpoint, l.backend.ModelEndpoints(), mlops.ModelEndpointSpec{
		Environment: l.environment, Name: name, Capture: capture,
		Variants: map[string]mlops.Variant{"main": {Version: l.version, Traffic: 100, Env: settings}},
	})
	if err != nil {
		return served{}, err
	}
	n, err := readNote(path)
	return served{url: seen.Status.URL, server: n}, err
}

// served is an endpoint that answers.
type served struct {
	url    string
	server note
}

// create makes an object and waits until it is ready, as the provider does.
func create[S, T any](ctx context.Context, l *lab, noun mlops.Noun, kind mlops.Kind[S, T], spec S) (mlops.Observed[S, T], error) {
	target := lifecycle.Target[S, T]{Kind: kind, Code: l.backend.Code, Backend: "local", Noun: noun}
	return target.Create(ctx, spec, func(mlops.Change) {})
}
