package provider

import (
	"fmt"
	"reflect"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func environment(factories []mlops.Factory) *definition[environmentModel, mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	names := backendNames(factories)
	return &definition[environmentModel, mlops.EnvironmentSpec, mlops.EnvironmentStatus]{
		noun: mlops.NounEnvironment,
		doc: "One isolated stage of a machine-learning service, on one backend. Pipelines, models and endpoints belong to an environment; " +
			"moving them to another backend means changing the environment's target, and nothing else.",
		attributes:   environmentAttributes(factories),
		patience:     patience{create: 10 * time.Minute, update: 10 * time.Minute, remove: 10 * time.Minute},
		kind:         mlops.Backend.Environments,
		toSpec:       func(m environmentModel) mlops.EnvironmentSpec { return apart(factories, m.spec()) },
		fromObserved: environmentOf,
		parentOf:     func(s mlops.EnvironmentSpec) mlops.ID { return s.ID },
		id:           func(s mlops.EnvironmentSpec) mlops.ID { return s.ID },
		name:         func(s mlops.EnvironmentSpec) string { return s.Name },
		identity:     append([]string{"name"}, names...),
		own:          names,
		exclusive:    names,
		locate:       locateEnvironment,
		note:         noteStage,
		alters:       environmentAlters,
		settled:      keepsNoRegistry,
		secrets:      markEnvironment,
		guarded:      append([]string{"registry"}, secretive(factories)...),
		foretell:     foretellEnvironment,
		protected:    func(m environmentModel) bool { return valueOf(m.DeletionProtection) },
	}
}

// locateEnvironment gives an environment its ID, which depends on the provider's
// settings too. Without name and target the ID stays empty.
func locateEnvironment(p *platforms, s *mlops.EnvironmentSpec) error {
	if s.Target.Backend == "" || s.Name == "" {
		return nil
	}
	f, err := p.factory(s.Target.Backend)
	if err != nil {
		return err
	}
	scope, err := f.Scope(p.settings[f.Name], s.Target.Settings)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	s.ID = mlops.EnvironmentID(f.Name, scope, s.Name)
	return nil
}

// environmentAlters lists what a change may alter: what an environment brings takes
// the place of what the platform made.
func environmentAlters(prior, planned mlops.EnvironmentSpec, _ bool) []string {
	if reflect.DeepEqual(prior.Target.Settings, planned.Target.Settings) {
		return []string{"registry_mark", "secrets_mark"}
	}
	return []string{"registry_mark", "secrets_mark", "native"}
}
