package monitors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	keptReports   = 1000
	shownReports  = 200
	defaultRepeat = 24 * time.Hour
	reportTime    = "20060102T150405.000000000Z" // so fine that no two checks have the same
)

// conclude writes a report, and in one transaction the state that it leads to,
// what is to be told, and whether the pipeline is to be started; then it starts
// it. Whatever of that a crash prevents is done by the engine that comes next.
func (s *Service) conclude(ctx context.Context, report *mlops.MonitorReport) error {
	if err := s.keepReport(ctx, report); err != nil {
		return err
	}
	settled, err := s.table.Change(ctx, report.Monitor, func(tx *store.Tx, r *record) error {
		before := r.Status
		r.Status.Since = sinceOr(before, report.State, report.At)
		r.Status.State, r.Status.LastReport = report.State, report
		if report.State == mlops.MonitorViolated {
			r.Status.LastViolated = report.At
		}
		decideRetraining(r)
		isNews := tells(before, *r)
		switch {
		case report.State == mlops.MonitorOK:
			r.Status.ToldAt = time.Time{}
		case isNews:
			r.Status.ToldAt = report.At
		}
		if !isNews {
			return nil
		}
		return s.tell(ctx, tx, *r)
	})
	if err != nil {
		return err
	}
	s.Alerts.Wake()
	s.figure.show(report.Monitor, settled.Status)
	if unmade(settled) {
		return s.startRun(ctx, settled)
	}
	return nil
}

// tells reports whether somebody is to hear of a state: when it becomes violated,
// when it is violated no more, and again while it lasts. Too few rows to judge
// are no news. What was told in the future was told before the clock was set back,
// nobody knows how long ago.
func tells(before mlops.MonitorStatus, r record) bool {
	if r.Spec.Alerts == nil {
		return false
	}
	told := !before.ToldAt.IsZero()
	switch r.Status.State {
	case mlops.MonitorViolated:
		ago := r.Status.LastReport.At.Sub(before.ToldAt)
		return !told || ago < 0 || ago >= r.Spec.Alerts.Repeat.Or(defaultRepeat)
	case mlops.MonitorOK:
		return told
	case mlops.MonitorWaiting, mlops.MonitorNoData, mlops.MonitorBroken:
	}
	return false
}

// tell puts an alert in the queue. One that tells of a recovery ends the story.
func (s *Service) tell(ctx context.Context, tx *store.Tx, r record) error {
	m := alerts.Message{
		Monitor: r.ID, Endpoint: r.Spec.Endpoint, State: r.Status.State, Since: r.Status.Since,
		Report: r.Status.LastReport, Emails: r.Spec.Alerts.Emails, Text: inWords(r),
	}
	return s.Alerts.Enqueue(ctx, tx, m, r.Spec.Alerts.Mark != "")
}

func inWords(r record) string {
	what := "is " + string(r.Status.State)
	if r.Status.State == mlops.MonitorOK {
		what = "is ok again"
	}
	lines := []string{fmt.Sprintf("%s of %s %s since %s.", r.ID, r.Spec.Endpoint, what, r.Status.Since.Format(time.RFC3339))}
	if report := r.Status.LastReport; report != nil && report.Reason != "" {
		lines = append(lines, report.Reason)
	}
	return strings.Join(lines, "\n")
}

// keepReport writes a report to its file, and removes the oldest ones. The new one
// stays even where it seems to be the oldest, as after the clock was set back.
func (s *Service) keepReport(ctx context.Context, report *mlops.MonitorReport) error {
	dir, err := s.reports(ctx, report.Monitor)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, report.At.Format(reportTime)+".json")
	report.URI = artifact.URI(path)
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := replace(path, text); err != nil {
		return err
	}
	names, err := reportNames(dir)
	others := slices.DeleteFunc(names, func(name string) bool { return name == filepath.Base(path) })
	for _, name := range others[:max(0, len(others)+1-keptReports)] {
		err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
	}
	return err
}

func (s *Service) reports(ctx context.Context, monitor mlops.ID) (string, error) {
	dir, err := s.directory(ctx, monitor)
	return filepath.Join(dir, "reports"), err
}

// reportNames lists the reports of a folder, oldest first.
func reportNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// History returns a monitor's last reports, oldest first.
func (s *Service) History(ctx context.Context, monitor mlops.ID) ([]mlops.MonitorReport, error) {
	dir, err := s.reports(ctx, monitor)
	if err != nil {
		return nil, err
	}
	names, err := reportNames(dir)
	if err != nil {
		return nil, err
	}
	var out []mlops.MonitorReport
	for _, name := range names[max(0, len(names)-shownReports):] {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		var r mlops.MonitorReport
		if json.Unmarshal(text, &r) == nil { // one that is damaged is left out
			out = append(out, r)
		}
	}
	return out, nil
}
