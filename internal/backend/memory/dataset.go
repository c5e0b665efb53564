package memory

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Datasets returns the kind of datasets.
func (b *backend) Datasets() mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus] {
	return &kind[mlops.DatasetSpec, mlops.DatasetStatus]{b, mlops.NounDataset, datasets{}}
}

type datasets struct{}

func (datasets) name(spec mlops.DatasetSpec) string { return spec.Name }

func (datasets) place(p *Platform, _ string, from mlops.ID, spec mlops.DatasetSpec) (placed[mlops.DatasetSpec], error) {
	at := placed[mlops.DatasetSpec]{id: spec.ID(), spec: spec}
	if err := p.exists("environment", spec.Environment); err != nil {
		return at, err
	}
	found, err := resolve(p, mlops.ModelVersionSpec{ArtifactURI: spec.URI, Run: spec.Run, Output: spec.Output})
	if err != nil {
		return at, err
	}
	at.facts = found
	return at, stays(from, at.id)
}

func (datasets) whim(_ *Platform, spec mlops.DatasetSpec) whim { return whimOf(spec.Labels) }

// status knows the schema that was asked for only: nothing reads the bytes.
func (datasets) status(_ *Platform, r *record, spec mlops.DatasetSpec) mlops.DatasetStatus {
	s := mlops.DatasetStatus{
		Version: "1", Digest: r.facts.digest, URI: uriOf(r.id), Size: r.facts.size, Schema: map[string]string{},
		Statistics: map[string]mlops.ColumnStatistics{}, Violations: []string{}, CreatedAt: r.created,
	}
	for name, c := range spec.Schema {
		s.Schema[name] = strings.ToLower(c.Type)
	}
	s.History = []mlops.DatasetVersion{{Version: s.Version, Digest: s.Digest, CreatedAt: r.created}}
	return s
}
