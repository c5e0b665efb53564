package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Promotion moves versions from one opened backend to another, or within one.
// Its methods wait until what they started is done, or until ctx ends; their
// errors are those of Target.
type Promotion struct {
	Source mlops.Backend // of the versions that are promoted
	Target mlops.Backend // of the models that they are promoted to
	Reads  *Reads        // as in Target
	By     string        // who promotes, for the evidence; empty is the user of the operating system
}

type (
	versions    = Target[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
	versionSeen = mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
)

const opPromote = "promote"

// Create promotes a version: it judges the gates, moves the bytes, and registers
// them with the evidence. Record is called as for Target.Create.
//
// Nothing is moved and nothing made unless every gate is passed; those that are
// not are in one error of code Failed, with their figures. Bytes that are not
// those that were registered are Invalid. Repeated after an interruption, or
// made twice at once, it is one version: that of the same bytes.
func (p Promotion) Create(ctx context.Context, spec mlops.PromotionSpec, record func(mlops.Change)) (mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	return p.promote(ctx, spec, func(asked mlops.ModelVersionSpec) (versionSeen, error) {
		return p.target(spec.To).Create(ctx, asked, record)
	})
}

// Update brings the version that a promotion made to spec. Another From promotes
// that one, as a successor; what else is said of a promotion changes in place.
// Gates are judged when bytes move, so a change of gates alone changes nothing.
func (p Promotion) Update(ctx context.Context, id mlops.ID, spec mlops.PromotionSpec, record func(mlops.Change)) (mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	target := p.target(spec.To)
	before, err := target.Read(ctx, id)
	if err != nil {
		return before, err
	}
	if e := before.Spec.Promotion; e != nil && e.From == spec.From {
		return target.Update(ctx, id, amended(before, spec), record)
	}
	return p.promote(ctx, spec, func(asked mlops.ModelVersionSpec) (versionSeen, error) {
		return target.Update(ctx, id, asked, record)
	})
}

// amended is a promoted version with what may be said anew of it.
func amended(before versionSeen, spec mlops.PromotionSpec) mlops.ModelVersionSpec {
	asked, evidence := before.Spec, *before.Spec.Promotion
	evidence.ApprovedBy = spec.ApprovedBy
	asked.Description, asked.Labels, asked.Aliases, asked.Promotion = spec.Description, spec.Labels, spec.Aliases, &evidence
	asked.ArtifactURI = cmp.Or(before.Status.URI, asked.ArtifactURI)
	return asked
}

// promote judges, fetches and registers.
func (p Promotion) promote(ctx context.Context, spec mlops.PromotionSpec, register func(mlops.ModelVersionSpec) (versionSeen, error)) (versionSeen, error) {
	from := p.source(spec.From)
	w := from.begin(ctx, opPromote, spec.From)
	source, err := from.look(ctx, spec.From)
	if err != nil {
		return versionSeen{}, from.fault(ctx, w, err)
	}
	evidence, err := p.evidence(ctx, spec, source)
	if err != nil {
		return versionSeen{}, from.fault(ctx, w, err)
	}
	dir, err := os.MkdirTemp("", "mlops-promotion-")
	if err != nil {
		return versionSeen{}, from.fault(ctx, w, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a copy in a temporary directory; nothing is lost with it
	path, err := from.fetch(ctx, source, dir)
	if err != nil {
		return versionSeen{}, from.fault(ctx, w, err)
	}
	seen, err := register(promoted(spec, source, evidence, path))
	if err != nil && !twin(seen, err, evidence) {
		return seen, err
	}
	return p.keep(ctx, seen)
}

// evidence judges a promotion and writes down why it is let through.
func (p Promotion) evidence(ctx context.Context, spec mlops.PromotionSpec, source versionSeen) (*mlops.Promotion, error) {
	if err := mlops.Check(spec); err != nil {
		return nil, err
	}
	if err := promotable(source); err != nil {
		return nil, err
	}
	r, err := p.review(ctx, spec, source)
	if err != nil {
		return nil, err
	}
	if err := r.refusal(); err != nil {
		return nil, err
	}
	return &mlops.Promotion{
		From: spec.From, Digest: source.Status.Digest, ApprovedBy: spec.ApprovedBy, By: cmp.Or(p.By, whoami()), At: time.Now().UTC(),
		Metrics: source.Status.Metrics, Compared: r.compared, Lineage: source.Status.Lineage, Run: source.Spec.Run,
		Monitors: r.monitors, Gates: r.results,
	}, nil
}

// promotable refuses a version that nobody should serve.
func promotable(source versionSeen) error {
	switch {
	case source.Phase != mlops.PhaseReady:
		return mlops.NewError(mlops.Failed, fmt.Errorf("the version is %s: %s", source.Phase, cmp.Or(source.Reason, "it is not ready")))
	case source.Spec.Approval == "rejected":
		return &mlops.Error{Code: mlops.Invalid, Field: "from", Err: errors.New("the version is rejected; what was rejected is not promoted")}
	}
	return nil
}

// whoami is the user of the operating system.
func whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"), "unknown")
}

// fetch brings a version's bytes into a directory, and makes sure that they are
// those that were registered.
func (t Target[Spec, Status]) fetch(ctx context.Context, source versionSeen, dir string) (string, error) {
	exporter, ok := t.Kind.(mlops.Exporter)
	if !ok {
		return "", unsupported("from", t.Backend+" does not hand out the bytes of versions; promote from another backend")
	}
	var path string
	err := t.persist(ctx, func() (err error) {
		fresh, err := os.MkdirTemp(dir, "bytes-") // an attempt that failed may have left something
		if err != nil {
			return err
		}
		path, err = exporter.Export(ctx, source.Ref, fresh)
		return err
	})
	if err != nil {
		return "", err
	}
	digest, _, err := mlops.ContentDigest(path)
	if err != nil {
		return "", err
	}
	if digest != source.Status.Digest {
		return "", &mlops.Error{Code: mlops.Invalid, Field: "from", Err: fmt.Errorf(
			"the bytes are not those that were registered: they have the digest %s, and had %s; nothing was promoted", digest, source.Status.Digest)}
	}
	return path, nil
}

// promoted is the version that a promotion makes.
func promoted(spec mlops.PromotionSpec, source versionSeen, evidence *mlops.Promotion, path string) mlops.ModelVersionSpec {
	return mlops.ModelVersionSpec{
		Model: spec.To, ArtifactURI: path, Format: source.Spec.Format, Command: source.Spec.Command, Image: source.Spec.Image,
		Packages: source.Status.Packages, Signature: source.Spec.Signature, Metrics: maps.Clone(source.Status.Metrics),
		Description: spec.Description, Labels: spec.Labels, Approval: "approved", Aliases: slices.Clone(spec.Aliases),
		Promotion: evidence, Overrides: carried(spec, source),
	}
}

// twin reports whether a registration failed only because the same promotion was
// made by somebody else at the same moment: then it is made.
func twin(seen versionSeen, err error, evidence *mlops.Promotion) bool {
	made := seen.Spec.Promotion
	return mlops.CodeOf(err) == mlops.Failed && seen.Phase == mlops.PhaseReady &&
		made != nil && made.From == evidence.From && made.Digest == evidence.Digest
}

// keep lets a version name its bytes where they are kept: the copy that they came
// from is about to go.
func (p Promotion) keep(ctx context.Context, seen versionSeen) (versionSeen, error) {
	uri := seen.Status.URI
	if uri == "" || seen.Spec.ArtifactURI == uri {
		return seen, nil
	}
	asked := seen.Spec
	asked.ArtifactURI = uri
	kept, err := p.target(asked.Model).Update(ctx, seen.Ref, asked, func(mlops.Change) {})
	if err != nil && !twin(kept, err, asked.Promotion) {
		return seen, err
	}
	return kept, nil
}

func (p Promotion) source(from mlops.ID) versions {
	return versionsOf(p.Source, from, p.Reads)
}

func (p Promotion) target(to mlops.ID) versions {
	return versionsOf(p.Target, to, p.Reads)
}

func versionsOf(b mlops.Backend, id mlops.ID, reads *Reads) versions {
	return versions{Kind: b.ModelVersions(), Code: b.Code, Backend: id.Backend(), Noun: mlops.NounModelVersion, Reads: reads}
}
