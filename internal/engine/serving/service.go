package serving

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The reasons for which work on an endpoint is broken off. None of them is the
// endpoint's own failure, and none is recorded as one.
var (
	errDetached   = errors.New("the engine is closing; its model servers go on")
	errSuspended  = errors.New("the engine is stopping with its model servers")
	errSuperseded = errors.New("a newer change was accepted")
	errRetired    = errors.New("nothing refers to this model server any more")
)

// Config is what a Service needs.
type Config struct {
	Store  *store.Store
	Layout layout.Layout
	Python *pyenv.Builder
	Log    *slog.Logger
	Port   int // of the gateway; 0 picks a free one and keeps it
	Keys   Keys
}

// Keys makes tokens that only who has the engine's key can make: the same one
// for the same id and salt.
type Keys interface {
	Token(id, salt string) string
}

// Service runs model endpoints. It is the Kind of model endpoints and a Lister
// of them. It is safe for concurrent use once it was started.
type Service struct {
	Config

	pace     pace
	now      func() time.Time
	table    store.Table[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	gateway  *gateway.Gateway
	server   *http.Server
	address  string
	ports    ports
	direct   http.RoundTripper // to model servers, past the gateway
	scaleNow chan struct{}     // a request waits at a pool

	ctx   context.Context //nolint:containedctx // of all background work; ends with the reason to stop
	stop  context.CancelCauseFunc
	loops sync.WaitGroup

	mu        sync.Mutex
	endpoints map[mlops.ID]*endpoint
}

// New returns a service that does nothing before Start.
func New(c Config) *Service {
	return &Service{
		Config:    c,
		pace:      ordinaryPace(),
		now:       time.Now,
		table:     c.Store.Endpoints(),
		gateway:   gateway.New(gateway.Config{Log: c.Log}),
		ports:     ports{taken: map[int]bool{}, pick: freePort},
		direct:    &http.Transport{DisableKeepAlives: true},
		scaleNow:  make(chan struct{}, 1),
		stop:      func(error) {},
		endpoints: map[mlops.ID]*endpoint{},
	}
}

// Start listens, takes up every endpoint where an earlier engine left it, and
// works until Close or Suspend. A port that was asked for and is taken is an
// error of code Conflict.
func (s *Service) Start(ctx context.Context) error {
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	s.ctx, s.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := s.resume(ctx); err != nil {
		s.stop(errDetached)
		return errors.Join(err, listener.Close())
	}
	s.server = &http.Server{
		Handler: s.gateway, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	s.loops.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.Log.Error("the gateway stopped", "error", err)
		}
	})
	s.loops.Go(func() { s.autoscale(s.ctx) })
	s.loops.Go(func() { s.saveFigures(s.ctx) })
	return nil
}

// resume takes up every endpoint in the store, and ends the model servers of
// endpoints that are not there.
func (s *Service) resume(ctx context.Context) error {
	all, err := s.table.List(ctx, "")
	if err != nil {
		return err
	}
	environments, err := s.Store.Environments().List(ctx, "")
	if err != nil {
		return err
	}
	for _, env := range environments {
		s.sweep(ctx, s.Layout.EnvironmentDir(env.Observed().Spec), env.ID, all)
	}
	for _, r := range all {
		e, err := s.newEndpoint(ctx, r.ID)
		if err != nil {
			s.Log.Error("endpoint cannot be taken up", "endpoint", r.ID, "error", err)
			continue
		}
		if err := e.restore(ctx, r); err != nil {
			s.Log.Error("endpoint cannot serve", "endpoint", r.ID, "error", err)
		}
		s.endpoints[r.ID] = e
		s.loops.Go(func() { e.run(s.ctx) })
	}
	return nil
}

// saveFigures writes the endpoints' figures to disk now and then, so that a
// killed engine loses few.
func (s *Service) saveFigures(ctx context.Context) {
	tick := time.NewTicker(s.pace.save)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.gateway.Save(); err != nil {
				s.Log.Warn("save figures", "error", err)
			}
		}
	}
}

// Minutes returns the figures of an endpoint by minute; see gateway.Series.
func (s *Service) Minutes(endpoint mlops.ID, since time.Time) []gateway.Minute {
	return s.gateway.Series(endpoint.Environment().Name(), endpoint.Name(), since)
}

// Gateway is what all requests go through: for those who watch endpoints, or
// add to what it shows. Its routes are the service's own.
func (s *Service) Gateway() *gateway.Gateway { return s.gateway }

// Address is where the gateway listens, host:port. It is valid after Start.
func (s *Service) Address() string { return s.address }

// Close stops the gateway when the requests in flight are answered, and leaves
// the model servers alone: the next engine attaches to them. It returns when no
// goroutine of the service is left, or with ctx's error.
func (s *Service) Close(ctx context.Context) error { return s.halt(ctx, errDetached) }

// Suspend is Close that also ends the model servers. The next engine starts
// them again.
func (s *Service) Suspend(ctx context.Context) error { return s.halt(ctx, errSuspended) }

func (s *Service) halt(ctx context.Context, cause error) error {
	var err error
	if s.server != nil {
		err = s.shutDown(ctx)
	}
	s.stop(cause)
	done := make(chan struct{})
	go func() {
		s.loops.Wait()
		close(done)
	}()
	select {
	case <-done:
		return errors.Join(err, s.gateway.Close())
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// shutDown lets the requests in flight finish, up to a limit, and then breaks
// them off.
func (s *Service) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.pace.grace)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.server.Close()
	}
	return err
}

// tell makes an endpoint's worker look at its record, and makes one for an
// endpoint that is new.
func (s *Service) tell(ctx context.Context, r record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[r.ID]
	if e == nil {
		var err error
		if e, err = s.newEndpoint(ctx, r.ID); err != nil {
			return err
		}
		s.endpoints[r.ID] = e
		s.loops.Go(func() { e.run(s.ctx) })
	}
	e.tell(r)
	return nil
}

// find returns an endpoint's worker, or nil.
func (s *Service) find(id mlops.ID) *endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoints[id]
}

// forget drops the worker of an endpoint that is gone. It reports false if the
// endpoint was made again in the meantime, and the worker must go on.
func (s *Service) forget(e *endpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-e.wake:
		return false
	default:
	}
	delete(s.endpoints, e.id)
	return true
}
