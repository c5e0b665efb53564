package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Copies of requests: how many may be under way for one endpoint, and how much
// of an answer is read. What is more is dropped, or cut.
const (
	shadowMost   = 64
	shadowAnswer = 16 << 20
)

// shadow sends copies of an endpoint's requests, beside the requests and never
// in their way.
type shadow struct {
	Shadow

	route     *Route
	transport http.RoundTripper
	hold      time.Duration
	slots     chan struct{}
	outcomes  *prometheus.CounterVec
	ctx       context.Context //nolint:containedctx // of all copies; ends with the route
	stop      context.CancelFunc
	copies    *sync.WaitGroup
}

// newShadow returns the shadow of a route, or nil where it has none.
func (g *Gateway) newShadow(r *Route) *shadow {
	if r.Shadow == nil {
		return nil
	}
	s := &shadow{
		Shadow: *r.Shadow, route: r, transport: g.transport, hold: g.cfg.Hold, slots: make(chan struct{}, shadowMost), copies: &g.copies,
		outcomes: g.metrics.shadowed.MustCurryWith(prometheus.Labels{"environment": r.Environment, "endpoint": r.Endpoint}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// close breaks off the copies that are under way. They count for nothing.
func (s *shadow) close() {
	if s != nil {
		s.stop()
	}
}

// offer takes a copy of a request that is about to be sent. It never waits.
func (s *shadow) offer(x *exchange, rest string) {
	if s == nil || !sampled(s.Percent) {
		return
	}
	i := pick(s.Variants)
	if i < 0 || x.more != nil {
		s.drop()
		return
	}
	v := &s.Variants[i]
	path, err := v.Protocol.Target(x.in.Method, rest, x.head, s.route.Endpoint)
	if err != nil { // a server of another kind, which does not know this request
		s.drop()
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.drop()
		return
	}
	c := &shadowCopy{shadow: s, variant: v, method: x.in.Method, path: path, query: x.in.URL.RawQuery, header: x.in.Header.Clone(), body: x.head}
	c.header.Set(RequestIDHeader, x.id)
	if v.Protocol == Inference && path != rest {
		c.header.Set("Content-Type", "application/json")
	}
	if s.route.Token != "" {
		c.header.Del("Authorization")
	}
	s.copies.Go(c.send)
}

func (s *shadow) drop() { s.outcomes.WithLabelValues("dropped").Inc() }

// shadowCopy is one request on its way to a server whose answer nobody sees.
type shadowCopy struct {
	shadow              *shadow
	variant             *Variant
	method, path, query string
	header              http.Header
	body                []byte
}

// send sends the copy and measures the answer.
func (c *shadowCopy) send() {
	s := c.shadow
	defer func() { <-s.slots }()
	p := c.variant.Meter.Begin(time.Now())
	ctx, cancel := context.WithTimeout(s.ctx, s.route.timeout())
	defer cancel()
	failed := c.try(ctx)
	if s.ctx.Err() != nil {
		p.Abandon()
		return
	}
	p.End(failed)
	if failed {
		s.outcomes.WithLabelValues("failed").Inc()
		return
	}
	s.outcomes.WithLabelValues("ok").Inc()
}

// try makes the request and reports whether it failed.
func (c *shadowCopy) try(ctx context.Context) (failed bool) {
	u, err := c.variant.Pool.acquire(ctx, c.shadow.hold, nil)
	if err != nil {
		return true
	}
	answered := false
	defer func() { c.variant.Pool.release(u, answered) }()
	path, err := url.PathUnescape(c.path)
	if err != nil {
		return true
	}
	to := url.URL{Scheme: "http", Host: u.address, Path: path, RawPath: c.path, RawQuery: c.query}
	r, err := http.NewRequestWithContext(ctx, c.method, to.String(), bytes.NewReader(c.body))
	if err != nil {
		return true
	}
	r.Header = c.header
	for _, hop := range []string{"Connection", "Upgrade", "Te", "Trailer", "Transfer-Encoding", "Keep-Alive", "Expect"} {
		r.Header.Del(hop)
	}
	answer, err := c.shadow.transport.RoundTrip(r)
	if err != nil {
		return true
	}
	defer func() { _ = answer.Body.Close() }()
	answered = true
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, shadowAnswer))
	return err != nil || answer.StatusCode >= http.StatusInternalServerError
}
