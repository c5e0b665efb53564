package monitors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// baselinePrefix begins the names of files with baselines. The rest says of which
// bytes, and how read: a spec finds its own baseline there and never another's,
// whenever the engine was killed.
const baselinePrefix = "baseline-"

func baselineName(spec mlops.MonitorSpec, digest string) string {
	const enough = 24 // characters of a digest
	_, sum, _ := strings.Cut(mlops.DigestOf([]any{digest, spec.Baseline}), ":")
	return baselinePrefix + sum[:min(enough, len(sum))] + ".json"
}

// keepBaseline writes a baseline where checks find it.
func (s *Service) keepBaseline(ctx context.Context, spec mlops.MonitorSpec, b *checks.Baseline) error {
	if !b.IsThere() {
		return nil
	}
	dir, err := s.directory(ctx, spec.ID())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return replace(filepath.Join(dir, baselineName(spec, b.Digest)), text)
}

// loadBaseline reads the baseline that is kept of a spec and some bytes.
func (s *Service) loadBaseline(ctx context.Context, spec mlops.MonitorSpec, digest string) (*checks.Baseline, error) {
	text, err := s.baselineText(ctx, spec, digest)
	if err != nil {
		return nil, err
	}
	return checks.ParseBaseline(text)
}

func (s *Service) baselineText(ctx context.Context, spec mlops.MonitorSpec, digest string) ([]byte, error) {
	dir, err := s.directory(ctx, spec.ID())
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, baselineName(spec, digest)))
}

// baseline returns the baseline of a monitor that is in force, an empty one if it
// has none.
// One that another version of the provider wrote in its own way is computed again,
// while its bytes are there.
func (s *Service) baseline(ctx context.Context, r record) (*checks.Baseline, error) {
	if r.Spec.Baseline == nil {
		return &checks.Baseline{}, nil
	}
	b, err := s.loadBaseline(ctx, r.Spec, r.Status.Baseline.Digest)
	if err == nil {
		return b, nil
	}
	again, failure := s.computeAgain(ctx, r)
	if failure != nil {
		return nil, fmt.Errorf("%w; and it cannot be computed again: %w; replace the monitor", err, failure)
	}
	return again, s.keepBaseline(ctx, r.Spec, again)
}

func (s *Service) computeAgain(ctx context.Context, r record) (*checks.Baseline, error) {
	from, digest, err := s.identify(ctx, *r.Spec.Baseline)
	if err != nil { // a relative path says nothing here: where it led to was noted
		text, failure := s.baselineText(ctx, r.Spec, r.Status.Baseline.Digest)
		if failure != nil {
			return nil, err
		}
		if json.Unmarshal(text, &from) != nil || from.Path == "" {
			return nil, err
		}
		if digest, _, err = blob.Digest(from.Path); err != nil {
			return nil, err
		}
	}
	if digest != r.Status.Baseline.Digest {
		return nil, errors.New("its bytes have changed")
	}
	b, err := profile(ctx, *r.Spec.Baseline, from, digest)
	if err != nil {
		return nil, err
	}
	return b, b.Fits(r.Spec)
}

// tidy removes the baselines that are not in force: all of them, where there is no
// monitor.
func (s *Service) tidy(ctx context.Context, monitor mlops.ID) error {
	dir, err := s.directory(ctx, monitor)
	if err != nil {
		return err
	}
	r, err := s.table.Get(ctx, monitor)
	if err != nil && mlops.CodeOf(err) != mlops.NotFound {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		isKept := r.Revision != "" && e.Name() == baselineName(r.Spec, r.Status.Baseline.Digest)
		if strings.HasPrefix(e.Name(), baselinePrefix) && !isKept {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	_ = os.Remove(dir) // stays unless it is empty
	return errors.Join(errs...)
}

// replace writes a file whole or not at all.
func replace(path string, text []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
