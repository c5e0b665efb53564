package memory

import (
	"context"
	"errors"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ModelVersions returns the kind of versions. It can tell the digest of bytes
// that are not registered yet.
func (b *backend) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return &versionKind{kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{b, mlops.NounModelVersion, versions{}}}
}

type versionKind struct {
	kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
}

// Digest returns the digest that the spec's bytes have now, or none while the
// run that makes them has not succeeded.
func (k *versionKind) Digest(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	k.platform.mu.Lock()
	defer k.platform.mu.Unlock()
	found, err := resolve(k.platform, sourceOf(spec))
	if errors.Is(err, errNotYet) {
		return "", nil
	}
	return found.digest, err
}

// Export writes the bytes of a version. The label memory_rot stands for other
// bytes than were registered.
func (k *versionKind) Export(ctx context.Context, ref mlops.ID, directory string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	defer k.platform.enter("export", k.noun)()
	r, ok := k.platform.records[ref]
	if !ok || r.noun != k.noun {
		return "", noSuch(ref)
	}
	if _, rotten := decode[mlops.ModelVersionSpec](r.spec).Labels["memory_rot"]; rotten {
		return factsOf("artifact", []byte("other bytes")).write(directory)
	}
	return r.facts.write(directory)
}

func sourceOf(spec mlops.ModelVersionSpec) source {
	return source{uri: spec.ArtifactURI, run: spec.Run, output: spec.Output}
}

type versions struct{}

func (versions) name(mlops.ModelVersionSpec) string { return "" }

// place finds the version that has the same content, and the same owner.
func (versions) place(p *Platform, owner string, from mlops.ID, spec mlops.ModelVersionSpec) (placed[mlops.ModelVersionSpec], error) {
	at := placed[mlops.ModelVersionSpec]{spec: spec}
	if err := p.exists("model", spec.Model); err != nil {
		return at, err
	}
	found, err := resolve(p, sourceOf(spec))
	if err != nil {
		return at, err
	}
	if e := spec.Promotion; e != nil && e.Digest != found.digest {
		return at, mlops.InvalidField("promotion.digest", "the bytes have the digest %s; those that were promoted have %s", found.digest, e.Digest)
	}
	at.facts = found
	if former, ok := p.records[from]; ok && sameContent(former, spec, found) {
		at.id = from
		return at, nil
	}
	for _, r := range p.under(spec.Model, mlops.NounModelVersion) {
		if r.owner == owner && !r.deleting && sameContent(r, spec, found) {
			at.id = r.id
			return at, nil
		}
	}
	at.id = p.number(spec.Model, mlops.NounModelVersion)
	return at, nil
}

func sameContent(r *record, spec mlops.ModelVersionSpec, f facts) bool {
	return r.facts.digest == f.digest && decode[mlops.ModelVersionSpec](r.spec).SameBytes(spec)
}

func (versions) whim(_ *Platform, spec mlops.ModelVersionSpec) whim { return whimOf(spec.Labels) }

func (versions) status(p *Platform, r *record, spec mlops.ModelVersionSpec) mlops.ModelVersionStatus {
	s := mlops.ModelVersionStatus{
		Version:   r.id.Name(),
		Digest:    r.facts.digest,
		URI:       uriOf(r.id),
		Size:      r.facts.size,
		Metrics:   spec.Metrics,
		Packages:  spec.Packages,
		CreatedAt: r.created,
	}
	source, ok := p.records[spec.Run]
	if !ok {
		return s
	}
	run := runs{}.status(p, source, decode[mlops.PipelineRunSpec](source.spec))
	s.Lineage = run.Lineage
	if s.Metrics == nil {
		s.Metrics = run.Metrics
	}
	return s
}

// moveAliases takes a version's aliases from the others of its model.
func (p *Platform) moveAliases(winner *record) {
	won := decode[mlops.ModelVersionSpec](winner.spec).Aliases
	for _, r := range p.under(winner.id.Parent(), mlops.NounModelVersion) {
		spec := decode[mlops.ModelVersionSpec](r.spec)
		left := slices.DeleteFunc(slices.Clone(spec.Aliases), func(a string) bool { return slices.Contains(won, a) })
		if r == winner || len(left) == len(spec.Aliases) {
			continue
		}
		spec.Aliases = left
		raw, err := toNative(spec)
		if err != nil {
			panic("memory: a spec that cannot be written back: " + err.Error())
		}
		r.spec, r.revision = raw, mlops.DigestOf(spec)
	}
}

func uriOf(id mlops.ID) string { return "memory://" + string(id) }
