package gateway

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// newTransport returns a transport for many short requests to few servers on
// this machine.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		DialContext:         dialer.DialContext,
		MaxIdleConnsPerHost: 512,
		// Shorter than servers keep idle connections, so that none is closed at
		// the moment it is used again.
		IdleConnTimeout:       1500 * time.Millisecond,
		DisableCompression:    true,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,
	}
}

// buffers is an httputil.BufferPool.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}}
}

func (b *buffers) Get() []byte {
	p, _ := b.pool.Get().(*[]byte)
	return *p
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// newProxy returns the proxy that all requests go through. What differs between
// requests is in their exchange.
func (g *Gateway) newProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { exchangeOf(r.In).rewrite(r.Out) },
		ModifyResponse: func(r *http.Response) error { exchangeOf(r.Request).receive(r); return nil },
		ErrorHandler:   func(_ http.ResponseWriter, r *http.Request, err error) { exchangeOf(r).fail(err) },
		Transport:      sender{g.transport},
		BufferPool:     newBuffers(),
		ErrorLog:       log.New(warnings{g.cfg.Log}, "", 0),
	}
}

// warnings is a writer that logs what the proxy has to say.
type warnings struct{ log *slog.Logger }

func (w warnings) Write(p []byte) (int, error) {
	w.log.Warn("gateway: " + string(p))
	return len(p), nil
}

// sender sends a request to its exchange's replica. Where that refuses the
// connection, nothing was sent, and another replica gets it.
type sender struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s sender) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r)
	for {
		x.aim(r)
		resp, err := s.base.RoundTrip(r)
		if err == nil || !refused(err) || r.Context().Err() != nil {
			return resp, err
		}
		if failed := x.another(r.Context()); failed != nil {
			return nil, failed
		}
	}
}

// refused reports whether no connection came about.
func refused(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}

// verdict is the status and the words for a request that failed at the gateway.
func verdict(err error) (status int, detail string) {
	switch {
	case errors.Is(err, context.Canceled):
		return statusClientGone, "the client went away"
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, "the model server did not answer within the endpoint's request timeout"
	case errors.Is(err, errFull), errors.Is(err, errNotReady), errors.Is(err, errClosed):
		return http.StatusServiceUnavailable, err.Error()
	}
	return http.StatusBadGateway, "the model server broke the connection before it answered"
}
