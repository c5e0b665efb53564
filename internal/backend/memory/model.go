package memory

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Models returns the kind of models.
func (b *backend) Models() mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] {
	return &kind[mlops.ModelSpec, mlops.ModelStatus]{b, mlops.NounModel, models{}}
}

type models struct{}

func (models) name(spec mlops.ModelSpec) string { return spec.Name }

func (models) place(p *Platform, _ string, from mlops.ID, spec mlops.ModelSpec) (placed[mlops.ModelSpec], error) {
	at := placed[mlops.ModelSpec]{id: spec.ID(), spec: spec}
	if err := p.exists("environment", spec.Environment); err != nil {
		return at, err
	}
	return at, stays(from, at.id)
}

func (models) whim(_ *Platform, spec mlops.ModelSpec) whim { return whimOf(spec.Labels) }

func (models) status(p *Platform, r *record, _ mlops.ModelSpec) mlops.ModelStatus {
	s := mlops.ModelStatus{CreatedAt: r.created}
	if versions := p.under(r.id, mlops.NounModelVersion); len(versions) > 0 {
		s.Latest = versions[len(versions)-1].id.Name()
	}
	return s
}
