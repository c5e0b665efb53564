package monitors

import (
	"cmp"
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// readBaseline profiles a spec's baseline, or returns the one that is kept if it
// is the same; an empty one where the spec has none. A baseline that is in force goes on
// to be when its source is gone. All that is wrong with it is Invalid.
func (s *Service) readBaseline(ctx context.Context, spec mlops.MonitorSpec, inForce *record) (*checks.Baseline, error) {
	if spec.Baseline == nil {
		return &checks.Baseline{}, nil
	}
	from, digest, err := s.identify(ctx, *spec.Baseline)
	if isUnchanged := inForce != nil && inForce.Revision != "" && sameBaseline(spec, inForce.Spec); isUnchanged {
		if err != nil && ctx.Err() == nil {
			digest = inForce.Status.Baseline.Digest
		}
		kept, failure := s.loadBaseline(ctx, spec, digest)
		if failure == nil {
			return kept, kept.Fits(spec)
		}
	}
	if err != nil {
		return nil, err
	}
	b, err := profile(ctx, *spec.Baseline, from, digest)
	if err != nil {
		return nil, err
	}
	return b, b.Fits(spec)
}

func sameBaseline(a, b mlops.MonitorSpec) bool {
	return mlops.DigestOf(a.Baseline) == mlops.DigestOf(b.Baseline)
}

// identify finds a baseline's bytes.
func (s *Service) identify(ctx context.Context, b mlops.Baseline) (from checks.Source, digest string, err error) {
	if from, err = s.findBaseline(ctx, b); err != nil {
		return from, "", err
	}
	digest, _, err = blob.Digest(from.Path)
	if err != nil {
		return from, "", mlops.InvalidField("baseline", "the baseline cannot be read: %w", err)
	}
	return from, digest, nil
}

// findBaseline returns where the bytes are.
func (s *Service) findBaseline(ctx context.Context, b mlops.Baseline) (checks.Source, error) {
	switch {
	case b.Dataset != "":
		r, err := s.Store.Datasets().Get(ctx, b.Dataset)
		if mlops.CodeOf(err) == mlops.NotFound {
			return checks.Source{}, mlops.InvalidField("baseline.dataset", "there is no %s", b.Dataset)
		}
		if err != nil {
			return checks.Source{}, err
		}
		if r.Revision == "" {
			return checks.Source{}, mlops.InvalidField("baseline.dataset", "%s has no data: %s", b.Dataset, r.Reason)
		}
		return sourceOf("baseline.dataset", "", r.Status.URI, cmp.Or(b.Format, table.FormatOf(r.Spec, r.Spec.URI)))
	case b.Run != "":
		run, err := s.Store.Runs().Get(ctx, b.Run)
		if mlops.CodeOf(err) == mlops.NotFound {
			return checks.Source{}, mlops.InvalidField("baseline.run", "there is no %s", b.Run)
		}
		if err != nil {
			return checks.Source{}, err
		}
		key, err := run.Status.FindOutput(b.Output)
		if err != nil {
			return checks.Source{}, mlops.InvalidField("baseline.output", "%w", err)
		}
		return sourceOf("baseline.output", "", run.Status.Outputs[key], b.Format)
	}
	return sourceOf("baseline.uri", api.Folder(ctx), b.URI, b.Format)
}

func sourceOf(field, folder, uri, format string) (checks.Source, error) {
	path, err := artifact.Path(field, folder, uri)
	if err != nil {
		return checks.Source{}, mlops.InvalidField(field, "%s", mlops.Message(err))
	}
	return checks.Source{Path: path, Format: table.FormatOf(mlops.DatasetSpec{Format: format}, path)}, nil
}

// profile reads a baseline, which must not change meanwhile.
func profile(ctx context.Context, spec mlops.Baseline, from checks.Source, digest string) (*checks.Baseline, error) {
	b, err := checks.ReadBaseline(ctx, spec, from, digest)
	if err != nil {
		return nil, err
	}
	if again, _, err := blob.Digest(from.Path); err != nil || again != digest {
		return nil, mlops.InvalidField("baseline", "the baseline changed while it was read; apply again")
	}
	return b, nil
}
