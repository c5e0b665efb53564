package monitors

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// lookEvery is how late a changed schedule, a clock that was set, or the end of a
// retraining run is noticed at most.
const lookEvery = 5 * time.Second

// Config is what a Service needs. Every field is needed.
type Config struct {
	Store  *store.Store
	Layout layout.Layout
	Alerts *alerts.Service
	Log    *slog.Logger

	// Minutes returns an endpoint's figures by minute; see gateway.Series.
	Minutes func(endpoint mlops.ID, since time.Time) []gateway.Minute
	// Asleep reports whether an endpoint is down by its schedule.
	Asleep func(ctx context.Context, endpoint mlops.ID) (bool, error)
	// StartRun starts a run that no configuration has.
	StartRun func(ctx context.Context, spec mlops.PipelineRunSpec) (mlops.Change, error)
}

// Service is the Kind of monitors, a Lister of them, and what makes their checks.
// It is safe for concurrent use.
type Service struct {
	Config

	now    func() time.Time
	table  store.Table[mlops.MonitorSpec, mlops.MonitorStatus]
	figure *figures
	stop   context.CancelFunc
	loops  sync.WaitGroup

	mu       sync.Mutex
	checking map[mlops.ID]*sync.Mutex // one check of a monitor at a time
}

// New returns a service that makes no check by itself before Start.
func New(c Config) *Service {
	return &Service{
		Config: c, now: time.Now, table: c.Store.Monitors(), figure: newFigures(), stop: func() {}, checking: map[mlops.ID]*sync.Mutex{},
	}
}

// Start follows the schedules until Close.
func (s *Service) Start(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	all, err := s.table.List(ctx, "")
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Wanted != nil && r.Phase == mlops.PhasePending {
			if err := s.abandon(ctx, r); err != nil {
				return err
			}
		}
		s.figure.show(r.ID, r.Status)
	}
	s.loops.Go(func() { s.follow(ctx) })
	return nil
}

// Close ends the checks and waits until they have ended.
func (s *Service) Close(context.Context) error {
	s.stop()
	s.loops.Wait()
	return nil
}

// follow makes the checks that are due, again and again.
func (s *Service) follow(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("follow the monitors", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look makes what is due of every monitor. One that is in trouble is not the
// others' trouble.
func (s *Service) look(ctx context.Context) error {
	all, err := s.table.List(ctx, "")
	if err != nil {
		return err
	}
	followed, err := s.Store.Followed(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Phase != mlops.PhaseReady || ctx.Err() != nil {
			continue
		}
		if err := s.watchRun(ctx, r); isTrouble(ctx, err) {
			s.Log.Error("follow a retraining run", "monitor", r.ID, "error", err)
		}
		before, known := followed[r.ID]
		if err := s.fire(ctx, r, before, known); isTrouble(ctx, err) {
			s.Log.Error("a check could not be made", "monitor", r.ID, "error", err)
		}
	}
	return nil
}

// isTrouble tells errors from the end of the engine, or of the monitor.
func isTrouble(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && mlops.CodeOf(err) != mlops.NotFound
}

// fire makes a check if the schedule says so. A schedule that is new counts from
// now on; so does one that was disabled, and one whose clock was set back.
func (s *Service) fire(ctx context.Context, r record, before store.Followed, known bool) error {
	if r.Spec.Schedule.Disabled {
		if !known {
			return nil
		}
		return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.Unfollow(ctx, r.ID) })
	}
	cron, err := schedule.Parse(r.Spec.Schedule)
	if err != nil {
		return err
	}
	now := s.now()
	mark := store.Followed{Schedule: mlops.DigestOf(r.Spec.Schedule), Until: now}
	if !known || before.Schedule != mark.Schedule || before.Until.After(now) {
		return s.note(ctx, r.ID, mark)
	}
	if next := cron.Next(before.Until); next.IsZero() || next.After(now) {
		return nil
	}
	if err := s.note(ctx, r.ID, mark); err != nil { // first: a check that crashes the engine is not made again and again
		return err
	}
	_, err = s.CheckNow(ctx, r.ID)
	if err != nil && ctx.Err() != nil { // the engine closes: the next one makes this check
		return s.note(context.WithoutCancel(ctx), r.ID, before)
	}
	return err
}

func (s *Service) note(ctx context.Context, monitor mlops.ID, mark store.Followed) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.Follow(ctx, monitor, mark) })
}

// nextCheck is when the schedule fires next, the zero time where it does not.
func (s *Service) nextCheck(spec mlops.MonitorSpec) time.Time {
	cron, err := schedule.Parse(spec.Schedule)
	if err != nil || spec.Schedule.Disabled {
		return time.Time{}
	}
	return cron.Next(s.now())
}

// lock has one check of a monitor at a time.
func (s *Service) lock(monitor mlops.ID) (unlock func()) {
	s.mu.Lock()
	m := s.checking[monitor]
	if m == nil {
		m = &sync.Mutex{}
		s.checking[monitor] = m
	}
	s.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// directory is where a monitor's files are.
func (s *Service) directory(ctx context.Context, monitor mlops.ID) (string, error) {
	environment, err := s.environmentDir(ctx, monitor)
	return layout.MonitorDir(environment, monitor.Name()), err
}

func (s *Service) environmentDir(ctx context.Context, id mlops.ID) (string, error) {
	e, err := s.Store.Environments().Get(ctx, id.Environment())
	if err != nil {
		return "", fmt.Errorf("find the environment of %s: %w", id, err)
	}
	return s.Layout.EnvironmentDir(e.Observed().Spec), nil
}
