package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxAnswer bounds an answer: a list of many large pipelines.
const maxAnswer = 1 << 30

// Client reaches one engine. It is safe for concurrent use.
type Client struct {
	options Options
	http    *http.Client

	mu    sync.Mutex
	found bool // the engine was found, or started, and suits
}

// New returns a client. Nothing is started or reached before it is needed.
func New(o Options) (*Client, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	return &Client{options: o, http: overSocket(o.layout().Socket())}, nil
}

// Close lets go of connections. The engine goes on.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// overSocket returns an HTTP client all of whose connections go to a socket.
func overSocket(socket string) *http.Client {
	var d net.Dialer
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if err := private(filepath.Dir(socket)); err != nil {
				return nil, err
			}
			return d.DialContext(ctx, "unix", socket)
		},
		MaxIdleConnsPerHost: 16,
	}}
}

// private refuses a directory where others could have put a socket of theirs.
func private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 {
		return mlops.NewError(mlops.PermissionDenied, fmt.Errorf("everybody may write to %s, so an engine there cannot be trusted; take that right away (chmod o-w)", dir))
	}
	return nil
}

// request is one request of the control API.
type request struct {
	method string
	path   string
	query  url.Values
	body   any // nil for none
}

// call makes a request of an engine that suits, starting it if need be. An
// engine that ends before it has answered is asked once more, or its follower
// is: every operation is idempotent.
func (c *Client) call(ctx context.Context, r request, out any) error {
	if err := c.ensure(ctx, false); err != nil {
		return err
	}
	err := send(ctx, c.http, c.options, r, out)
	if !notRunning(err) && !lost(err) {
		return err
	}
	if err := c.ensure(ctx, true); err != nil {
		return err
	}
	return send(ctx, c.http, c.options, r, out)
}

// ensure has the engine found or started, once or again.
func (c *Client) ensure(ctx context.Context, again bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found && !again {
		return nil
	}
	_, err := Ensure(ctx, c.options)
	c.found = err == nil
	return err
}

// send makes one request and reads its answer. Every operation is idempotent,
// so that the transport may repeat one whose connection had gone stale.
func send(ctx context.Context, client *http.Client, options Options, r request, out any) error {
	body, err := json.Marshal(r.body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	to := url.URL{Scheme: "http", Host: api.Host, Path: r.path, RawQuery: r.query.Encode()}
	req, err := http.NewRequestWithContext(ctx, r.method, to.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header["Idempotency-Key"] = []string{} // marks the request; nothing is sent
	req.Header.Set(api.OwnerHeader, options.Owner)
	req.Header.Set(api.FolderHeader, url.PathEscape(options.folder))
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return broken(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return read(ctx, resp, out)
}

// read turns an answer into a value or an error.
func read(ctx context.Context, resp *http.Response, out any) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return broken(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(b, out); err != nil {
			return fmt.Errorf("read the engine's answer: %w", err)
		}
		return nil
	}
	p := api.Problem{Code: mlops.Unknown, Detail: "the engine answered " + resp.Status}
	if resp.Header.Get("Content-Type") == api.ProblemType {
		if err := json.Unmarshal(b, &p); err != nil {
			return fmt.Errorf("read the engine's answer: %w", err)
		}
	}
	p.Request = resp.Header.Get(api.RequestHeader)
	return p.Err()
}

// broken says that a request got no answer. A context's error is untouched, and
// so is one that says that no engine runs.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if coded, ok := errors.AsType[*mlops.Error](err); ok {
		return coded
	}
	if notRunning(err) {
		return err
	}
	if outer, ok := errors.AsType[*url.Error](err); ok { // its URL means nothing to users
		err = outer.Err
	}
	return mlops.NewError(mlops.Unavailable, fmt.Errorf("the engine did not answer: %w", err))
}

// lost reports whether an error says that whoever listened went away.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// notRunning reports whether an error says that nobody listens on the socket.
func notRunning(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
