package monitors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// baseline is what live traffic is compared with: the features in the order of
// positional requests, and behind them the predictions, if there are any.
type baseline struct {
	Digest  string         `json:"digest"`
	Rows    int64          `json:"rows"`
	Columns []table.Column `json:"columns"`
	// Predicted says that the last column holds predictions.
	Predicted bool           `json:"predicted"`
	Profile   *drift.Profile `json:"profile"`
}

// features are the columns that requests have.
func (b *baseline) features() []table.Column {
	if b == nil {
		return nil
	}
	if b.Predicted {
		return b.Columns[:len(b.Columns)-1]
	}
	return b.Columns
}

func (b *baseline) status() mlops.BaselineStatus {
	s := mlops.BaselineStatus{Features: []string{}}
	if b == nil {
		return s
	}
	s.Digest, s.Rows = b.Digest, b.Rows
	for _, c := range b.features() {
		s.Features = append(s.Features, c.Name)
	}
	return s
}

// readBaseline profiles a spec's baseline; nil where it has none. All that is
// wrong with it is Invalid.
func (s *Service) readBaseline(ctx context.Context, spec mlops.MonitorSpec) (*baseline, error) {
	if spec.Baseline == nil {
		return nil, nil
	}
	path, format, err := s.findBaseline(ctx, *spec.Baseline)
	if err != nil {
		return nil, err
	}
	digest, _, err := blob.Digest(path)
	if err != nil {
		return nil, invalid("baseline", "the baseline cannot be read: %w", err)
	}
	if kept, err := s.baseline(ctx, spec.ID()); err == nil && kept != nil && kept.Digest == mlops.DigestOf([]any{digest, spec.Baseline}) {
		return kept, nil
	}
	columns, rows, err := table.Scan(path, format)
	if err != nil {
		return nil, invalid("baseline", "the baseline cannot be read: %s", mlops.Message(err))
	}
	b := &baseline{Digest: mlops.DigestOf([]any{digest, spec.Baseline}), Rows: rows}
	if err := b.choose(spec, columns); err != nil {
		return nil, err
	}
	if b.Profile, err = table.Collect(path, format, b.Columns); err != nil {
		return nil, invalid("baseline", "the baseline cannot be read: %s", mlops.Message(err))
	}
	return b, nil
}

// choose finds the columns that count.
func (b *baseline) choose(spec mlops.MonitorSpec, found []table.Column) error {
	const fewest = 2
	if b.Rows < fewest {
		return invalid("baseline", "the baseline has %d rows; nothing can be compared with that", b.Rows)
	}
	find := func(name string) (table.Column, bool) {
		i := slices.IndexFunc(found, func(c table.Column) bool { return c.Name == name })
		if i < 0 {
			return table.Column{}, false
		}
		c := found[i]
		if c.Type == table.Integer { // 3.5 is no error where 3 was
			c.Type = table.Number
		}
		return c, true
	}
	prediction := spec.Baseline.Prediction
	if prediction == "" {
		prediction = mlops.DefaultPredicted
	}
	names := spec.Baseline.Features
	if len(names) == 0 {
		for _, c := range found {
			if c.Name != prediction && c.Name != spec.Baseline.Label {
				names = append(names, c.Name)
			}
		}
	}
	for i, name := range names {
		c, ok := find(name)
		if !ok {
			return invalid(fmt.Sprintf("baseline.features[%d]", i), "the baseline has no column %q; it has %s", name, nameList(found))
		}
		b.Columns = append(b.Columns, c)
	}
	c, ok := find(prediction)
	if ok {
		b.Columns, b.Predicted = append(b.Columns, c), true
	}
	if !ok && spec.PredictionDrift != nil {
		return invalid("prediction_drift", "the baseline has no column %q with predictions; it has %s", prediction, nameList(found))
	}
	return b.fits(spec)
}

// fits refuses checks of what the baseline does not have, or not so.
func (b *baseline) fits(spec mlops.MonitorSpec) error {
	has := func(name string) (table.Column, bool) {
		i := slices.IndexFunc(b.features(), func(c table.Column) bool { return c.Name == name })
		if i < 0 {
			return table.Column{}, false
		}
		return b.Columns[i], true
	}
	if d := spec.DataDrift; d != nil {
		for i, name := range d.Features {
			c, ok := has(name)
			if !ok {
				return invalid(fmt.Sprintf("data_drift.features[%d]", i), "%q is no feature of the baseline; these are: %s", name, nameList(b.features()))
			}
			if !drift.Fits(d.Statistic, c.Kind()) {
				return invalid("data_drift.statistic", "%s is for numbers, and %q has categories; name the features, or use js", d.Statistic, name)
			}
		}
	}
	if g := spec.Bias; g != nil {
		if _, ok := has(g.Group); !ok {
			return invalid("bias.group", "%q is no feature of the baseline; these are: %s", g.Group, nameList(b.features()))
		}
	}
	return nil
}

func nameList(columns []table.Column) string {
	text := ""
	for i, c := range columns {
		if i > 0 {
			text += ", "
		}
		text += c.Name
	}
	return text
}

// findBaseline returns where the bytes are.
func (s *Service) findBaseline(ctx context.Context, b mlops.Baseline) (path, format string, err error) {
	switch {
	case b.Dataset != "":
		r, err := s.Store.Datasets().Get(ctx, b.Dataset)
		if mlops.CodeOf(err) == mlops.NotFound {
			return "", "", invalid("baseline.dataset", "there is no %s", b.Dataset)
		}
		if err != nil {
			return "", "", err
		}
		path, err = artifact.Path("", r.Status.URI)
		return path, table.FormatOf(mlops.DatasetSpec{Format: cmp.Or(b.Format, r.Spec.Format)}, path), err
	case b.Run != "":
		run, err := s.Store.Runs().Get(ctx, b.Run)
		if mlops.CodeOf(err) == mlops.NotFound {
			return "", "", invalid("baseline.run", "there is no %s", b.Run)
		}
		if err != nil {
			return "", "", err
		}
		key, err := run.Status.FindOutput(b.Output)
		if err != nil {
			return "", "", invalid("baseline.output", "%w", err)
		}
		path, err = artifact.Path("", run.Status.Outputs[key])
		return path, table.FormatOf(mlops.DatasetSpec{Format: b.Format}, path), err
	}
	path, err = artifact.Path(api.Folder(ctx), b.URI)
	if err != nil {
		return "", "", invalid("baseline.uri", "%s", mlops.Message(err))
	}
	return path, table.FormatOf(mlops.DatasetSpec{Format: b.Format}, path), nil
}

// keepBaseline writes a baseline where checks find it.
func (s *Service) keepBaseline(ctx context.Context, monitor mlops.ID, b *baseline) error {
	dir, err := s.directory(ctx, monitor)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file := filepath.Join(dir, "baseline.json")
	if b == nil {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return replace(file, text)
}

// baseline reads what keepBaseline wrote; nil if there is none.
func (s *Service) baseline(ctx context.Context, monitor mlops.ID) (*baseline, error) {
	dir, err := s.directory(ctx, monitor)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "baseline.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := &baseline{}
	return b, json.Unmarshal(text, b)
}

// replace writes a file whole or not at all.
func replace(path string, text []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
