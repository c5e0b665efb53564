package monitors

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// baseline is what live traffic is compared with: the features in the order of
// positional requests, and behind them the predictions, if there are any.
type baseline struct {
	source

	Digest string       `json:"digest"` // of the bytes
	Rows   int64        `json:"rows"`
	Types  []table.Type `json:"types"`
	// Predicted says that the last column holds predictions.
	Predicted bool           `json:"predicted"`
	Profile   *drift.Profile `json:"profile"` // nil where there is no baseline

	columns []table.Column
}

func (b *baseline) isThere() bool { return b.Profile != nil }

// source is where a baseline's bytes are.
type source struct {
	Path   string `json:"path"`
	Format string `json:"format"`
}

// features are the columns that requests have.
func (b *baseline) features() []table.Column {
	if b.Predicted {
		return b.columns[:len(b.columns)-1]
	}
	return b.columns
}

func (b *baseline) status() mlops.BaselineStatus {
	s := mlops.BaselineStatus{Features: []string{}}
	s.Digest, s.Rows = b.Digest, b.Rows
	for _, c := range b.features() {
		s.Features = append(s.Features, c.Name)
	}
	return s
}

// readBaseline profiles a spec's baseline, or returns the one that is kept if it
// is the same; an empty one where the spec has none. A baseline that is in force goes on
// to be when its source is gone. All that is wrong with it is Invalid.
func (s *Service) readBaseline(ctx context.Context, spec mlops.MonitorSpec, inForce *record) (*baseline, error) {
	if spec.Baseline == nil {
		return &baseline{}, nil
	}
	from, digest, err := s.identify(ctx, *spec.Baseline)
	if isUnchanged := inForce != nil && inForce.Revision != "" && sameBaseline(spec, inForce.Spec); isUnchanged {
		if err != nil && ctx.Err() == nil {
			digest = inForce.Status.Baseline.Digest
		}
		kept, failure := s.loadBaseline(ctx, spec, digest)
		if failure == nil {
			return kept, kept.fits(spec)
		}
	}
	if err != nil {
		return nil, err
	}
	b, err := profile(ctx, *spec.Baseline, from, digest)
	if err != nil {
		return nil, err
	}
	return b, b.fits(spec)
}

func sameBaseline(a, b mlops.MonitorSpec) bool {
	return mlops.DigestOf(a.Baseline) == mlops.DigestOf(b.Baseline)
}

// identify finds a baseline's bytes.
func (s *Service) identify(ctx context.Context, b mlops.Baseline) (from source, digest string, err error) {
	if from, err = s.findBaseline(ctx, b); err != nil {
		return from, "", err
	}
	digest, _, err = blob.Digest(from.Path)
	if err != nil {
		return from, "", invalid("baseline", "the baseline cannot be read: %w", err)
	}
	return from, digest, nil
}

// findBaseline returns where the bytes are.
func (s *Service) findBaseline(ctx context.Context, b mlops.Baseline) (source, error) {
	switch {
	case b.Dataset != "":
		r, err := s.Store.Datasets().Get(ctx, b.Dataset)
		if mlops.CodeOf(err) == mlops.NotFound {
			return source{}, invalid("baseline.dataset", "there is no %s", b.Dataset)
		}
		if err != nil {
			return source{}, err
		}
		if r.Revision == "" {
			return source{}, invalid("baseline.dataset", "%s has no data: %s", b.Dataset, r.Reason)
		}
		return sourceOf("baseline.dataset", "", r.Status.URI, cmp.Or(b.Format, table.FormatOf(r.Spec, r.Spec.URI)))
	case b.Run != "":
		run, err := s.Store.Runs().Get(ctx, b.Run)
		if mlops.CodeOf(err) == mlops.NotFound {
			return source{}, invalid("baseline.run", "there is no %s", b.Run)
		}
		if err != nil {
			return source{}, err
		}
		key, err := run.Status.FindOutput(b.Output)
		if err != nil {
			return source{}, invalid("baseline.output", "%w", err)
		}
		return sourceOf("baseline.output", "", run.Status.Outputs[key], b.Format)
	}
	return sourceOf("baseline.uri", api.Folder(ctx), b.URI, b.Format)
}

func sourceOf(field, folder, uri, format string) (source, error) {
	path, err := artifact.Path(folder, uri)
	if err != nil {
		return source{}, invalid(field, "%s", mlops.Message(err))
	}
	return source{Path: path, Format: table.FormatOf(mlops.DatasetSpec{Format: format}, path)}, nil
}

// profile reads a baseline whole, twice: once for the columns' types.
func profile(ctx context.Context, spec mlops.Baseline, from source, digest string) (*baseline, error) {
	columns, rows, err := table.Scan(ctx, from.Path, from.Format)
	if err != nil {
		return nil, unreadable(ctx, err)
	}
	b := &baseline{source: from, Digest: digest, Rows: rows}
	if err := b.choose(spec, columns); err != nil {
		return nil, err
	}
	for _, c := range b.columns {
		b.Types = append(b.Types, c.Type)
	}
	if b.Profile, err = table.Collect(ctx, from.Path, from.Format, b.columns); err != nil {
		return nil, unreadable(ctx, err)
	}
	if again, _, err := blob.Digest(from.Path); err != nil || again != digest {
		return nil, invalid("baseline", "the baseline changed while it was read; apply again")
	}
	return b, nil
}

func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return invalid("baseline", "the baseline cannot be read: %s", mlops.Message(err))
}

// choose finds the columns that count.
func (b *baseline) choose(spec mlops.Baseline, found []table.Column) error {
	const fewest = 2
	if b.Rows < fewest {
		return invalid("baseline", "the baseline has too few rows to compare with: %d", b.Rows)
	}
	prediction := cmp.Or(spec.Prediction, mlops.DefaultPredicted)
	names := spec.Features
	if len(names) == 0 {
		for _, c := range found {
			if c.Name != prediction && c.Name != spec.Label {
				names = append(names, c.Name)
			}
		}
	}
	for i, name := range names {
		c, ok := find(found, name)
		if !ok {
			return invalid(fmt.Sprintf("baseline.features[%d]", i), "the baseline has no column %q; it has %s", name, nameList(found))
		}
		b.columns = append(b.columns, c)
	}
	if spec.Label != "" {
		if _, ok := find(found, spec.Label); !ok {
			return invalid("baseline.label", "the baseline has no column %q; it has %s", spec.Label, nameList(found))
		}
	}
	c, ok := find(found, prediction)
	if !ok && spec.Prediction != "" {
		return invalid("baseline.prediction", "the baseline has no column %q; it has %s", prediction, nameList(found))
	}
	if ok {
		b.columns, b.Predicted = append(b.columns, c), true
	}
	return nil
}

// find returns a column. Where there were integers any number will do: 3.5 is no
// error where 3 was.
func find(columns []table.Column, name string) (table.Column, bool) {
	i := slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == name })
	if i < 0 {
		return table.Column{}, false
	}
	c := columns[i]
	if c.Type == table.Integer {
		c.Type = table.Number
	}
	return c, true
}

// fits refuses checks of what the baseline does not have, or not so.
func (b *baseline) fits(spec mlops.MonitorSpec) error {
	if d := spec.DataDrift; d != nil {
		for i, name := range d.Features {
			c, ok := find(b.features(), name)
			if !ok {
				return invalid(fmt.Sprintf("data_drift.features[%d]", i), "%q is no feature of the baseline; these are: %s", name, nameList(b.features()))
			}
			if d.Statistic != "" && !drift.Fits(d.Statistic, c.Kind()) {
				return invalid("data_drift.statistic", "%s is for numbers, and %q has categories; name the features, or use js", d.Statistic, name)
			}
		}
	}
	if d := spec.PredictionDrift; d != nil {
		if !b.Predicted {
			name := cmp.Or(spec.Baseline.Prediction, mlops.DefaultPredicted)
			return invalid("prediction_drift", "the baseline has no column %q with predictions; it has %s", name, nameList(b.columns))
		}
		if c := b.columns[len(b.columns)-1]; d.Statistic != "" && !drift.Fits(d.Statistic, c.Kind()) {
			return invalid("prediction_drift.statistic", "%s is for numbers, and %q has categories; use js", d.Statistic, c.Name)
		}
	}
	if g := spec.Bias; g != nil {
		if _, ok := find(b.features(), g.Group); !ok {
			return invalid("bias.group", "%q is no feature of the baseline; these are: %s", g.Group, nameList(b.features()))
		}
	}
	return nil
}

func nameList(columns []table.Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}
