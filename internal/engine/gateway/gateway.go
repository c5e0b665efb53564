package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a gateway needs. The zero value of a number is its default.
type Config struct {
	Log *slog.Logger
	// Hold is the longest that a request waits for a replica; default one minute.
	Hold time.Duration
	// CaptureFileMiB is the size at which a capture file is rotated; default 64.
	CaptureFileMiB int
}

// Gateway is an http.Handler that answers for every endpoint it has a Route
// for, at /<environment>/<endpoint>, and at /metrics. It is safe for concurrent
// use.
type Gateway struct {
	cfg         Config
	proxy       *httputil.ReverseProxy
	transport   *http.Transport
	metrics     *metrics
	metricsPage http.Handler
	pages       atomic.Pointer[http.Handler]
	truths      chan struct{} // slots of those who send ground truth
	copies      sync.WaitGroup

	mu        sync.Mutex // of those who change endpoints
	endpoints atomic.Pointer[map[string]*endpoint]
}

// endpoint is a route with what goes with it.
type endpoint struct {
	route    Route
	series   []series // by variant, as in the route
	recorder *recorder
	truth    *truth
	history  *history
	shadow   *shadow
}

// New returns a gateway without endpoints.
func New(cfg Config) *Gateway {
	if cfg.Hold == 0 {
		cfg.Hold = time.Minute
	}
	if cfg.CaptureFileMiB == 0 {
		cfg.CaptureFileMiB = 64
	}
	g := &Gateway{cfg: cfg, transport: newTransport(), metrics: newMetrics(), truths: make(chan struct{}, truthMost)}
	g.proxy = g.newProxy()
	g.metrics.registry.MustRegister(g)
	g.metricsPage = g.metrics.handler()
	g.endpoints.Store(&map[string]*endpoint{})
	return g
}

func key(environment, name string) string { return environment + "/" + name }

// Put makes a route the one in force for its endpoint. Requests that came
// before are finished as they were begun. The error is that of making the
// capture directory, or of reading earlier figures; the route is then in force
// without them.
func (g *Gateway) Put(route Route) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := key(route.Environment, route.Endpoint)
	old := (*g.endpoints.Load())[k]
	e := &endpoint{route: route, truth: &truth{dir: route.Capture.Dir, fileMiB: g.cfg.CaptureFileMiB}}
	err := errors.Join(e.remember(old), g.capture(e, old))
	for i := range route.Variants {
		e.series = append(e.series, g.metrics.variant(&e.route, &e.route.Variants[i], e.history))
	}
	e.shadow = g.newShadow(&e.route)
	all := maps.Clone(*g.endpoints.Load())
	all[k] = e
	g.endpoints.Store(&all)
	if old != nil {
		err = errors.Join(err, g.retire(old, e))
	}
	return err
}

// remember gives an endpoint the history and the writer of truths that the old
// route had, or the history that is on disk.
func (e *endpoint) remember(old *endpoint) (err error) {
	if old == nil {
		e.history, err = openHistory(e.route.History)
		return err
	}
	e.history = old.history
	if old.truth.dir == e.truth.dir {
		e.truth = old.truth
	}
	return nil
}

// Series returns the figures of an endpoint by minute, variant and version,
// oldest first, of the minutes that start at a time or later. They reach back 48
// hours at most. Minutes without a request are left out, the last one may still
// go on, and there are two of one minute where another gateway counted its
// beginning. Requests that were refused while the endpoint was asleep, or for
// want of its token, and copies of requests are not in them.
func (g *Gateway) Series(environment, name string, since time.Time) []Minute {
	e := (*g.endpoints.Load())[key(environment, name)]
	if e == nil {
		return nil
	}
	return e.history.since(since)
}

// Save writes the figures by minute to disk, where routes say so. Without it
// they are written by Close.
func (g *Gateway) Save() error {
	var errs []error
	for _, e := range *g.endpoints.Load() {
		errs = append(errs, e.history.save())
	}
	return errors.Join(errs...)
}

// Register adds a collector to what /metrics shows.
func (g *Gateway) Register(c prometheus.Collector) error { return g.metrics.registry.Register(c) }

// Mount has a handler answer everything below /-/, which is no environment.
func (g *Gateway) Mount(pages http.Handler) { g.pages.Store(&pages) }

// Remove ends an endpoint. Requests to it that came before are finished.
func (g *Gateway) Remove(environment, name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := key(environment, name)
	old := (*g.endpoints.Load())[k]
	if old == nil {
		return nil
	}
	all := maps.Clone(*g.endpoints.Load())
	delete(all, k)
	g.endpoints.Store(&all)
	for i := range old.series {
		old.series[i].gone.Store(true)
	}
	g.metrics.forget(prometheus.Labels{"environment": environment, "endpoint": name})
	old.history.discard()
	return old.close()
}

// Close writes captured requests to disk and lets go of connections. No request
// may come any more.
func (g *Gateway) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	for _, e := range *g.endpoints.Load() {
		errs = append(errs, e.history.save(), e.close())
	}
	g.endpoints.Store(&map[string]*endpoint{})
	g.copies.Wait()
	g.transport.CloseIdleConnections()
	return errors.Join(errs...)
}

// capture gives an endpoint a recorder: the one that the old route had, where
// that writes to the same place.
func (g *Gateway) capture(e, old *endpoint) error {
	want := e.route.Capture
	if want.Percent <= 0 {
		return nil
	}
	if old != nil && old.recorder != nil && old.route.Capture.Dir == want.Dir {
		e.recorder = old.recorder
		return nil
	}
	dropped := g.metrics.dropped.WithLabelValues(e.route.Environment, e.route.Endpoint)
	r, err := newRecorder(e.route.Endpoint, want.Dir, g.cfg.CaptureFileMiB, dropped.Inc)
	if err != nil {
		return fmt.Errorf("capture to %s: %w", want.Dir, err)
	}
	e.recorder = r
	return nil
}

// retire lets go of what an old route had and the new one has not.
func (g *Gateway) retire(old, now *endpoint) error {
	for i := range old.route.Variants {
		v := &old.route.Variants[i]
		if !slices.ContainsFunc(now.route.Variants, func(w Variant) bool { return w.Name == v.Name && w.Version == v.Version }) {
			old.series[i].gone.Store(true)
			g.metrics.forget(versionLabels(&old.route, v))
		}
	}
	old.shadow.close()
	if old.recorder == now.recorder {
		return nil
	}
	return old.close()
}

func (e *endpoint) close() error {
	e.shadow.close()
	if e.recorder == nil {
		return nil
	}
	return e.recorder.close()
}

// find returns the endpoint that a path belongs to, and the rest of the path.
func (g *Gateway) find(escapedPath string) (e *endpoint, rest string) {
	path := strings.TrimPrefix(escapedPath, "/")
	environment, path, _ := strings.Cut(path, "/")
	name, rest, below := strings.Cut(path, "/")
	if below {
		rest = "/" + rest
	}
	return (*g.endpoints.Load())[key(environment, name)], rest
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isLoopback(r.Host) {
		writeProblem(w, http.StatusForbidden, "this address serves its own machine only; call it localhost or 127.0.0.1")
		return
	}
	path := r.URL.EscapedPath()
	if path == "/metrics" {
		g.metricsPage.ServeHTTP(w, r)
		return
	}
	if pages := g.pages.Load(); pages != nil && strings.HasPrefix(path, "/-/") {
		(*pages).ServeHTTP(w, r)
		return
	}
	x := newExchange(g, w, r)
	e, rest := g.find(path)
	if e == nil {
		writeProblem(w, http.StatusNotFound, "there is no endpoint at this address; endpoints are at /<environment>/<endpoint>")
		return
	}
	switch {
	case !x.authorized(&e.route):
	case rest == truthPath:
		x.acceptTruth(e)
	case x.awake(&e.route):
		x.serve(e, rest) //nolint:contextcheck // the request that it holds has one
	}
}

// isLoopback reports whether a Host header names this machine itself.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}
