package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// Baseline is what live traffic is compared with: the features in the order of
// positional requests, and behind them the predictions, if there are any.
type Baseline struct {
	Source

	Digest string       `json:"digest"` // of the bytes
	Rows   int64        `json:"rows"`
	Types  []table.Type `json:"types"`
	// Predicted says that the last column holds predictions.
	Predicted bool           `json:"predicted"`
	Profile   *drift.Profile `json:"profile"` // nil where there is no baseline

	columns []table.Column
}

// IsThere tells a baseline from the empty one of a monitor that has none.
func (b *Baseline) IsThere() bool { return b.Profile != nil }

// Source is where a baseline's bytes are.
type Source struct {
	Path   string `json:"path"`
	Format string `json:"format"`
}

// features are the columns that requests have.
func (b *Baseline) features() []table.Column {
	if b.Predicted {
		return b.columns[:len(b.columns)-1]
	}
	return b.columns
}

// Status is what a monitor shows of its baseline.
func (b *Baseline) Status() mlops.BaselineStatus {
	s := mlops.BaselineStatus{Features: []string{}}
	s.Digest, s.Rows = b.Digest, b.Rows
	for _, c := range b.features() {
		s.Features = append(s.Features, c.Name)
	}
	return s
}

// ReadBaseline reads a baseline whole, twice: once for the columns' types. All that is
// wrong with it is Invalid.
func ReadBaseline(ctx context.Context, spec mlops.Baseline, from Source, digest string) (*Baseline, error) {
	columns, rows, err := table.Scan(ctx, from.Path, from.Format)
	if err != nil {
		return nil, unreadable(ctx, err)
	}
	b := &Baseline{Source: from, Digest: digest, Rows: rows}
	if err := b.choose(spec, columns); err != nil {
		return nil, err
	}
	for _, c := range b.columns {
		b.Types = append(b.Types, c.Type)
	}
	if b.Profile, err = table.Collect(ctx, from.Path, from.Format, b.columns); err != nil {
		return nil, unreadable(ctx, err)
	}
	return b, nil
}

// ParseBaseline reads a baseline that was written as JSON.
func ParseBaseline(text []byte) (*Baseline, error) {
	b := &Baseline{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	if !b.IsThere() || len(b.Types) != len(b.Profile.Columns) {
		return nil, errors.New("read the baseline: it is damaged")
	}
	for i, c := range b.Profile.Columns {
		b.columns = append(b.columns, table.Column{Name: c.Name, Type: b.Types[i]})
	}
	return b, nil
}

func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return mlops.InvalidField("baseline", "the baseline cannot be read: %s", mlops.Message(err))
}

// choose finds the columns that count.
func (b *Baseline) choose(spec mlops.Baseline, found []table.Column) error {
	const fewest = 2
	if b.Rows < fewest {
		return mlops.InvalidField("baseline", "the baseline has too few rows to compare with: %d", b.Rows)
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
			return mlops.InvalidField(fmt.Sprintf("baseline.features[%d]", i), "the baseline has no column %q; it has %s", name, nameList(found))
		}
		b.columns = append(b.columns, c)
	}
	if spec.Label != "" {
		if _, ok := find(found, spec.Label); !ok {
			return mlops.InvalidField("baseline.label", "the baseline has no column %q; it has %s", spec.Label, nameList(found))
		}
	}
	c, ok := find(found, prediction)
	if !ok && spec.Prediction != "" {
		return mlops.InvalidField("baseline.prediction", "the baseline has no column %q; it has %s", prediction, nameList(found))
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

// Fits refuses checks of what the baseline does not have, or not so.
func (b *Baseline) Fits(spec mlops.MonitorSpec) error {
	if d := spec.DataDrift; d != nil {
		for i, name := range d.Features {
			c, ok := find(b.features(), name)
			if !ok {
				return mlops.InvalidField(fmt.Sprintf("data_drift.features[%d]", i), "%q is no feature of the baseline; these are: %s", name, nameList(b.features()))
			}
			if d.Statistic != "" && !drift.Fits(d.Statistic, c.Kind()) {
				return mlops.InvalidField("data_drift.statistic", "%s is for numbers, and %q has categories; name the features, or use js", d.Statistic, name)
			}
		}
	}
	if d := spec.PredictionDrift; d != nil {
		if !b.Predicted {
			name := cmp.Or(spec.Baseline.Prediction, mlops.DefaultPredicted)
			return mlops.InvalidField("prediction_drift", "the baseline has no column %q with predictions; it has %s", name, nameList(b.columns))
		}
		if c := b.columns[len(b.columns)-1]; d.Statistic != "" && !drift.Fits(d.Statistic, c.Kind()) {
			return mlops.InvalidField("prediction_drift.statistic", "%s is for numbers, and %q has categories; use js", d.Statistic, c.Name)
		}
	}
	if g := spec.Bias; g != nil {
		if _, ok := find(b.features(), g.Group); !ok {
			return mlops.InvalidField("bias.group", "%q is no feature of the baseline; these are: %s", g.Group, nameList(b.features()))
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
