package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync/atomic"
	"time"
)

// callCounter stands at a unix socket, passes requests on and counts them.
type callCounter struct {
	socket string
	server *http.Server
	calls  atomic.Int64
	ended  chan error
}

// countCalls puts a counter in front of whoever listens at a socket.
func countCalls(ctx context.Context, socket string) (*callCounter, error) {
	behind := socket + ".engine"
	if err := os.Rename(socket, behind); err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return nil, errors.Join(err, os.Rename(behind, socket))
	}
	c := &callCounter{socket: socket, ended: make(chan error, 1)}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", behind)
	}}
	pass := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		c.calls.Add(1)
		r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine"
	}}
	c.server = &http.Server{Handler: pass, ReadHeaderTimeout: 10 * time.Second}
	go func() { c.ended <- c.server.Serve(listener) }()
	return c, nil
}

// close takes the counter away again.
func (c *callCounter) close() error {
	err := c.server.Close() // also removes the socket
	if ended := <-c.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return errors.Join(err, os.Rename(c.socket+".engine", c.socket))
}
