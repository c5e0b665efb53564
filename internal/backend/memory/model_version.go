package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"

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
	found, err := resolve(k.platform, spec)
	if errors.Is(err, errNotYet) {
		return "", nil
	}
	return found.digest, err
}

type versions struct{}

func (versions) name(mlops.ModelVersionSpec) string { return "" }

// place finds the version that has the same content, and the same owner.
func (versions) place(p *Platform, owner string, from mlops.ID, spec mlops.ModelVersionSpec) (placed[mlops.ModelVersionSpec], error) {
	at := placed[mlops.ModelVersionSpec]{spec: spec}
	if err := p.exists("model", spec.Model); err != nil {
		return at, err
	}
	found, err := resolve(p, spec)
	if err != nil {
		return at, err
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

// errNotYet is that bytes are still to be made.
var errNotYet = errors.New("the run has not succeeded")

// resolve finds the bytes of a version.
func resolve(p *Platform, spec mlops.ModelVersionSpec) (facts, error) {
	if spec.Run != "" {
		return resolveRun(p, spec.Run, spec.Output)
	}
	uri := spec.ArtifactURI
	if id, ok := strings.CutPrefix(uri, "memory://"); ok {
		return resolveOwn(p, mlops.ID(id))
	}
	path, isFile := strings.CutPrefix(uri, "file://")
	if !isFile && !strings.HasPrefix(uri, "/") {
		return factsOf([]byte(uri)), nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return facts{}, refuseField("artifact_uri", "cannot read the artifact: %w", err)
	}
	return factsOf(content), nil
}

func factsOf(content []byte) facts {
	sum := sha256.Sum256(content)
	return facts{digest: "sha256:" + hex.EncodeToString(sum[:]), size: int64(len(content))}
}

// resolveOwn finds the bytes of another version, or of a run's output, by their
// URI in memory.
func resolveOwn(p *Platform, id mlops.ID) (facts, error) {
	if r, ok := p.records[id]; ok && r.noun == mlops.NounModelVersion {
		return r.facts, nil
	}
	i := strings.LastIndexByte(string(id), '/')
	if i < 0 {
		return facts{}, refuseField("artifact_uri", "memory has no %q", id)
	}
	return resolveRun(p, id[:i], string(id[i+1:]))
}

func resolveRun(p *Platform, id mlops.ID, output string) (facts, error) {
	r, ok := p.records[id]
	if !ok || r.noun != mlops.NounPipelineRun {
		return facts{}, refuseField("run", "memory has no %q", id)
	}
	run := runs{}.status(p, r, decode[mlops.PipelineRunSpec](r.spec))
	if run.State != mlops.RunSucceeded {
		return facts{}, &mlops.Error{Code: mlops.Invalid, Field: "run", Err: errNotYet}
	}
	for full := range run.Outputs {
		step, short, _ := strings.Cut(full, ".")
		if full == output || short == output {
			return facts{digest: outputDigest(run.Lineage, step, short), size: 1}, nil
		}
	}
	return facts{}, refuseField("output", "the run %q has no output %q", id, output)
}
