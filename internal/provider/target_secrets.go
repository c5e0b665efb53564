package provider

import (
	"encoding/json"
	"maps"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// secretive lists the backends whose target has write-only settings.
func secretive(factories []mlops.Factory) []string {
	var out []string
	for _, f := range factories {
		if len(writeOnly(f)) > 0 {
			out = append(out, f.Name)
		}
	}
	return out
}

// writeOnly lists the write-only settings of a backend's target.
func writeOnly(f mlops.Factory) []string {
	var out []string
	for _, s := range f.Target {
		if s.WriteOnly {
			out = append(out, s.Name)
		}
	}
	return out
}

// apart puts the write-only settings of a target where secrets are.
func apart(factories []mlops.Factory, spec mlops.EnvironmentSpec) mlops.EnvironmentSpec {
	for _, f := range factories {
		if f.Name != spec.Target.Backend {
			continue
		}
		for _, name := range writeOnly(f) {
			value, ok := spec.Target.Settings[name]
			if !ok {
				continue
			}
			rest := maps.Clone(spec.Target.Settings)
			delete(rest, name)
			secrets := maps.Clone(spec.Target.Secrets)
			if secrets == nil {
				secrets = mlops.Settings{}
			}
			secrets[name] = value
			spec.Target.Settings, spec.Target.Secrets = rest, secrets
		}
	}
	return spec
}

// foretoldSecrets is the mark of a target's secrets, if it can be known yet: that is
// how a change of a secret, which no state has, comes to be a change of the
// environment.
func foretoldSecrets(c *mlops.Checker, s mlops.EnvironmentSpec) (string, bool) {
	if s.Target.Backend == "" || !c.Known(mlops.At(s.Target.Backend)) || s.Target.Secrets != nil && s.ID == "" {
		return "", false
	}
	return markOfSecrets(s), true
}

// markOfSecrets is the mark that the secrets of a target have, or that a state knows
// of some.
func markOfSecrets(s mlops.EnvironmentSpec) string {
	if len(s.Target.Secrets) == 0 {
		return s.Target.Mark
	}
	text, err := json.Marshal(s.Target.Secrets) // of texts, with keys in order
	if err != nil {
		return s.Target.Mark
	}
	return markOf(s.ID, string(text))
}

// markEnvironment takes the marks of an environment's secrets over from a state or a
// plan.
func markEnvironment(s *mlops.EnvironmentSpec, held map[string]tftypes.Value) bool {
	token := markToken(s, held)
	s.Target.Mark = textOf(held["secrets_mark"])
	if s.Target.Mark == "" { // of secrets that the plan did not know
		s.Target.Mark = markOfSecrets(*s)
	}
	return token || s.Target.Mark != "" && s.Target.Secrets == nil
}
