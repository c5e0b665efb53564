package memory

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Environments returns the kind of environments.
func (b *backend) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return &kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{b, mlops.NounEnvironment, environments{}}
}

type environments struct{}

func (environments) name(spec mlops.EnvironmentSpec) string { return spec.Name }

func (environments) place(_ *Platform, _ string, from mlops.ID, spec mlops.EnvironmentSpec) (placed[mlops.EnvironmentSpec], error) {
	id := mlops.EnvironmentID(name, nil, spec.Name)
	if spec.ID != id || spec.Target.Backend != name {
		return placed[mlops.EnvironmentSpec]{}, mlops.InvalidField("target", "%q is not an environment in memory", spec.ID)
	}
	return placed[mlops.EnvironmentSpec]{id: id, spec: spec.WithoutSecrets()}, stays(from, id)
}

func (environments) whim(_ *Platform, spec mlops.EnvironmentSpec) whim { return whimOf(spec.Labels) }

func (environments) status(_ *Platform, r *record, _ mlops.EnvironmentSpec) mlops.EnvironmentStatus {
	return mlops.EnvironmentStatus{CreatedAt: r.created}
}

// stays refuses a change that would move an object to another ID.
func stays(from, id mlops.ID) error {
	if from != "" && from != id {
		return mlops.InvalidField("name", "%q cannot become %q", from, id)
	}
	return nil
}
