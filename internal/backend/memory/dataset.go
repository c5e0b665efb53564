package memory

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Datasets returns the kind of datasets.
func (b *backend) Datasets() mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus] {
	return &datasetKind{kind[mlops.DatasetSpec, mlops.DatasetStatus]{b, mlops.NounDataset, datasets{}}}
}

// datasetKind can tell the digest of bytes that are not taken in yet.
type datasetKind struct {
	kind[mlops.DatasetSpec, mlops.DatasetStatus]
}

// Digest returns the digest that the spec's bytes have now, or none while the
// run that makes them has not succeeded.
func (k *datasetKind) Digest(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	k.platform.mu.Lock()
	defer k.platform.mu.Unlock()
	found, err := resolve(k.platform, source{uri: spec.URI, run: spec.Run, output: spec.Output})
	if errors.Is(err, errNotYet) {
		return "", nil
	}
	return found.digest, err
}

type datasets struct{}

func (datasets) name(spec mlops.DatasetSpec) string { return spec.Name }

// place makes other bytes another revision, though the spec is the same.
func (datasets) place(p *Platform, _ string, from mlops.ID, spec mlops.DatasetSpec) (placed[mlops.DatasetSpec], error) {
	at := placed[mlops.DatasetSpec]{id: spec.ID(), spec: spec}
	if err := p.exists("environment", spec.Environment); err != nil {
		return at, err
	}
	found, err := resolve(p, source{uri: spec.URI, run: spec.Run, output: spec.Output})
	if err != nil {
		return at, err
	}
	at.facts, at.revision = found, mlops.DigestOf([]any{spec, found.digest})
	return at, stays(from, at.id)
}

func (datasets) whim(_ *Platform, spec mlops.DatasetSpec) whim { return whimOf(spec.Labels) }

// status knows the schema that was asked for only: nothing reads the bytes.
func (datasets) status(_ *Platform, r *record, spec mlops.DatasetSpec) mlops.DatasetStatus {
	s := mlops.DatasetStatus{
		Digest: r.facts.digest, URI: uriOf(r.id), Size: r.facts.size, Schema: map[string]string{},
		Statistics: map[string]mlops.ColumnStatistics{}, Violations: []string{}, CreatedAt: r.created,
		History: slices.Clone(r.history),
	}
	for _, v := range r.history {
		if v.Digest == s.Digest {
			s.Version = v.Version
		}
	}
	for name, c := range spec.Schema {
		s.Schema[name] = strings.ToLower(c.Type)
	}
	return s
}

// remember gives a dataset's bytes a number, unless they have one.
func (r *record) remember() {
	for _, v := range r.history {
		if v.Digest == r.facts.digest {
			return
		}
	}
	next := mlops.DatasetVersion{Version: strconv.Itoa(len(r.history) + 1), Digest: r.facts.digest, CreatedAt: r.settled}
	r.history = append([]mlops.DatasetVersion{next}, r.history...)
}
