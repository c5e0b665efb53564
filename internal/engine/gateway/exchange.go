package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Headers of requests and answers.
const (
	// RequestIDHeader names a request: every answer of an endpoint carries it, and
	// so do captures, where ground truth is joined by it. A client may choose it,
	// up to 128 bytes; else the gateway does.
	RequestIDHeader = "X-Request-Id"

	headerVariant = "X-Mlops-Variant"
	headerVersion = "X-Mlops-Version"
)

// maxRequestID is the longest request id that is taken from a client.
const maxRequestID = 128

// exchange is one request on its way to a replica and back.
type exchange struct {
	gateway *Gateway
	w       http.ResponseWriter
	in      *http.Request
	started time.Time
	id      string

	endpoint *endpoint
	variant  int
	passage  *Passage // of the variant's meter
	upstream *Upstream
	rest     string   // path behind the endpoint's URL
	target   *url.URL // path and query at the server
	isJSON   bool     // the body is known to be JSON, whatever its header says

	head []byte    // the body, or its first part
	more io.Reader // the rest; nil if head is all

	status   int  // of the answer
	answered bool // a server answered
	failed   bool // the answer did not arrive whole
	sampled  bool
	response body // as captured
}

type exchangeKey struct{}

// exchangeOf returns the exchange that a request belongs to.
func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

func newExchange(g *Gateway, w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{gateway: g, w: w, in: r, started: time.Now(), id: r.Header.Get(RequestIDHeader)}
	if x.id == "" || len(x.id) > maxRequestID {
		x.id = rand.Text()
	}
	w.Header().Set(RequestIDHeader, x.id)
	return x
}

// serve answers the request by an endpoint.
func (x *exchange) serve(e *endpoint, rest string) {
	x.rest = rest
	if err := x.readHead(); err != nil {
		writeProblem(x.w, http.StatusBadRequest, "the request's body could not be read: "+err.Error())
		return
	}
	err := x.reach(x.in.Context(), e)
	if x.endpoint == nil { // nothing in the route has any traffic
		writeProblem(x.w, http.StatusServiceUnavailable, "the endpoint has no variant with traffic")
		return
	}
	defer x.finish()
	if err != nil {
		x.fail(err)
		return
	}
	if err := x.resolve(); err != nil {
		x.refuse(err)
		return
	}
	x.endpoint.shadow.offer(x, rest)
	x.sampled = x.endpoint.recorder != nil && sampled(x.endpoint.route.Capture.Percent)
	ctx, cancel := context.WithTimeout(context.WithValue(x.in.Context(), exchangeKey{}, x), x.endpoint.route.timeout())
	defer cancel()
	x.failed = true // unless the proxy returns
	x.gateway.proxy.ServeHTTP(x.w, x.in.WithContext(ctx))
	x.failed = false
}

// readHead reads the body, or so much of it as may be captured and sent twice.
func (x *exchange) readHead() error {
	r := x.in
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if n := r.ContentLength; n >= 0 && n <= captureBody {
		x.head = make([]byte, n)
		_, err := io.ReadFull(r.Body, x.head)
		return err
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, captureBody))
	x.head = head
	if len(head) == captureBody {
		x.more = r.Body
	}
	return err
}

// reach finds a variant and a replica. A route that is replaced while the
// request waits is followed.
func (x *exchange) reach(ctx context.Context, e *endpoint) error {
	for e != nil {
		i := pick(e.route.Variants)
		if i < 0 {
			return errNotReady
		}
		x.endpoint, x.variant = e, i
		x.passage.Abandon()
		x.passage = e.route.Variants[i].Meter.Begin(x.started)
		u, err := x.pool().acquire(ctx, x.gateway.cfg.Hold, nil)
		if !errors.Is(err, errClosed) {
			x.upstream = u
			return err
		}
		now := x.inForce()
		if now == e {
			return errClosed
		}
		e = now
	}
	return errClosed
}

// inForce is the endpoint as its route has it by now, nil if it is gone.
func (x *exchange) inForce() *endpoint {
	r := &x.endpoint.route
	return (*x.gateway.endpoints.Load())[key(r.Environment, r.Endpoint)]
}

// another gives the request to another replica than the one it has: of the same
// variant, or, if that is no longer served, of whatever is.
func (x *exchange) another(ctx context.Context) error {
	pool, refused := x.pool(), x.upstream
	pool.release(refused, false)
	x.upstream = nil
	u, err := pool.acquire(ctx, x.gateway.cfg.Hold, refused)
	x.upstream = u
	if now := x.inForce(); errors.Is(err, errClosed) && now != nil && now != x.endpoint {
		if err := x.reach(ctx, now); err != nil {
			return err
		}
		return x.resolve()
	}
	return err
}

func (x *exchange) pool() *Pool { return x.endpoint.route.Variants[x.variant].Pool }

// resolve finds the path at the server.
func (x *exchange) resolve() error {
	v := &x.endpoint.route.Variants[x.variant]
	escaped, err := v.Protocol.Target(x.in.Method, x.rest, x.head, x.endpoint.route.Endpoint)
	if err != nil {
		return err
	}
	path, err := url.PathUnescape(escaped)
	x.isJSON = v.Protocol == Inference && len(x.head) > 0 && escaped != x.rest
	x.target = &url.URL{Scheme: "http", Path: path, RawPath: escaped, RawQuery: x.in.URL.RawQuery}
	return err
}

// rewrite turns the client's request into the server's.
func (x *exchange) rewrite(out *http.Request) {
	out.Host = ""
	if x.endpoint.route.Token != "" {
		out.Header.Del("Authorization") // the gateway's, and no business of servers
	}
	out.Header.Set(RequestIDHeader, x.id)
	if x.isJSON {
		out.Header.Set("Content-Type", "application/json") // command-line tools say otherwise by default
	}
	if x.sampled {
		out.Header.Del("Accept-Encoding") // captures are for reading
	}
}

// aim directs the request at the replica, with its body from the beginning. It
// may be called again as long as nothing was sent.
func (x *exchange) aim(out *http.Request) {
	to := *x.target
	to.Host = x.upstream.address
	out.URL = &to
	switch {
	case x.more != nil:
		out.Body = io.NopCloser(io.MultiReader(bytes.NewReader(x.head), x.more))
	case len(x.head) > 0:
		out.ContentLength = int64(len(x.head))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.head)), nil }
		out.Body, _ = out.GetBody()
	default:
		out.Body, out.ContentLength = nil, 0
	}
}

// receive takes note of the server's answer before it is passed on.
func (x *exchange) receive(r *http.Response) {
	x.status, x.answered = r.StatusCode, true
	v := &x.endpoint.route.Variants[x.variant]
	r.Header.Del(RequestIDHeader) // ours is set already
	r.Header.Set(headerVariant, v.Name)
	r.Header.Set(headerVersion, string(v.Version))
	if x.sampled && r.StatusCode != http.StatusSwitchingProtocols {
		r.Body = &tee{r.Body, &x.response}
	}
}

// fail answers a request that got no answer from a server.
func (x *exchange) fail(err error) {
	status, detail := verdict(err)
	x.status = status
	if status == statusClientGone {
		return
	}
	x.gateway.cfg.Log.Warn("request failed", "endpoint", x.endpoint.route.Endpoint, "request_id", x.id, "status", status, "error", err)
	writeProblem(x.w, status, detail)
}

// refuse answers a request that no server would understand.
func (x *exchange) refuse(err error) {
	x.status = http.StatusBadRequest
	switch {
	case errors.Is(err, errPath):
		x.status = http.StatusNotFound
	case errors.Is(err, errMethod):
		x.status = http.StatusMethodNotAllowed
		x.w.Header().Set("Allow", "GET, HEAD, POST")
	}
	writeProblem(x.w, x.status, err.Error())
}

// finish lets go of the replica, counts, and captures.
func (x *exchange) finish() {
	if x.upstream != nil {
		x.pool().release(x.upstream, x.answered)
	}
	if x.status == 0 { // the proxy gave up without a word
		x.status = http.StatusBadGateway
	}
	failed := x.failed || x.status >= http.StatusInternalServerError
	took := time.Since(x.started)
	x.passage.End(failed)
	x.endpoint.series[x.variant].observe(x.status, failed, took)
	if !x.sampled {
		return
	}
	v := &x.endpoint.route.Variants[x.variant]
	x.endpoint.recorder.record(captured{
		time: x.started, requestID: x.id, variant: v.Name, version: string(v.Version), status: x.status, latency: took,
		request: body{x.head, x.more != nil}, response: x.response,
	})
}
