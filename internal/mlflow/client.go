package mlflow

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// What is read of an answer, at most, in bytes.
const (
	maxAnswer  = 64 << 20
	maxFailure = 64 << 10
)

// apiPath is what each path of the API follows.
const apiPath = "/api/2.0"

// Options says which server is meant, and who asks.
type Options struct {
	URI       string       // of the tracking server: http or https, with a path where it is not at the root
	Username  string       // whose password the token is; "" sends that as bearer
	Token     string       // a secret, "" for none
	UserAgent string       // "terraform-provider-mlops/1.2.3"
	HTTP      *http.Client // nil is one with the defaults: requests end with their context
}

// Client speaks to one MLflow server. It is safe for concurrent use. Its errors
// are *mlops.Error, or the context's own.
type Client struct {
	base  *url.URL
	user  string
	token string
	agent string
	http  *http.Client
	page  int // most objects of a page; 0 is what suits each kind of object
}

// NewClient returns a client, without asking anything of the server. A URI that
// cannot be one, or that holds a password, is Invalid.
func NewClient(o Options) (*Client, error) {
	u, err := url.Parse(o.URI)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, mlops.InvalidField("uri", "it is not the http or https URL of an MLflow server")
	case u.User != nil:
		return nil, mlops.InvalidField("uri", "it holds a user's name or password, which would be in the state: give a token")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, mlops.InvalidField("uri", "%q has a query or a fragment; give the server's address alone", o.URI)
	}
	client := &Client{base: u, user: o.Username, token: o.Token, agent: cmp.Or(o.UserAgent, "terraform-provider-mlops"), http: &http.Client{}}
	if o.HTTP != nil {
		*client.http = *o.HTTP
	} else {
		client.http.Transport = http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is documented to be one
	}
	// A redirect would turn what is sent into a question, and take the token along.
	client.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client, nil
}

// host names the server in messages.
func (c *Client) host() string { return c.base.Scheme + "://" + c.base.Host + c.base.Path }

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request builds a request of a path below the API's, given in escaped form.
func (c *Client) request(ctx context.Context, method, escaped string, query url.Values, body io.Reader) (*http.Request, error) {
	target := strings.TrimSuffix(c.base.String(), "/") + apiPath + escaped
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "*/*")
	switch {
	case c.token == "":
	case c.user != "":
		req.SetBasicAuth(c.user, c.token)
	default:
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// do sends a request and returns a successful answer, whose body is the caller's.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(req.Context(), err)
	}
	if resp.StatusCode >= http.StatusOK && resp.StatusCode < http.StatusMultipleChoices {
		return resp, nil
	}
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode < http.StatusBadRequest {
		return nil, errors.Join(mlops.InvalidField("uri", "the MLflow server at %s redirects to %s; give the address that answers", c.host(), to), resp.Body.Close())
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	if err = errors.Join(err, resp.Body.Close()); err != nil && len(text) == 0 {
		return nil, c.unreached(req.Context(), err)
	}
	return nil, failureOf(resp.StatusCode, text)
}

// get asks, and reads the answer into out.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	req, err := c.request(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	return c.answer(req, out)
}

// send tells something in JSON, and reads the answer into out, which may be nil.
func (c *Client) send(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := c.request(ctx, method, path, nil, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.answer(req, out)
}

func (c *Client) answer(req *http.Request, out any) error {
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return c.unreached(req.Context(), err)
	}
	if len(text) > maxAnswer {
		return refuse(mlops.Failed, "the MLflow server at %s answers with more than %d bytes", c.host(), maxAnswer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return mlops.NewError(mlops.Failed, fmt.Errorf("what answers at %s is no MLflow server: %s: %w", c.host(), excerpt(text), err))
	}
	return nil
}

// pages asks for one page after the other until there is none, or take fails.
func (c *Client) pages(ctx context.Context, ask func(token string) (next string, err error)) error {
	for token := ""; ; {
		next, err := ask(token)
		if err != nil || next == "" {
			return err
		}
		if next == token {
			return refuse(mlops.Failed, "the MLflow server at %s answers with the same page again and again", c.host())
		}
		if token = next; ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
