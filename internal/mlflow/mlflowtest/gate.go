package mlflowtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// Gate stands before a server as a company's proxy does: it lets those in who have
// a token, and it can be shut.
type Gate struct {
	URI string

	token  atomic.Value // string
	shut   atomic.Bool
	passed atomic.Int64
	told   atomic.Int64
	after  atomic.Pointer[func(*http.Request) bool]
}

// Gate opens a gate before the server until the test ends. An empty token lets
// everybody in.
func (s *Server) Gate(t testing.TB, token string) *Gate {
	t.Helper()
	to, err := url.Parse(s.URI(t))
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{}
	g.Admit(token)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = to.Host // MLflow takes no others
		r.Out.Header.Del("Authorization")
	}}
	proxy.ModifyResponse = func(resp *http.Response) error {
		if after := g.after.Load(); after != nil && (*after)(resp.Request) {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		resp.Body = &counted{resp.Body, &g.told}
		return nil
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want, _ := g.token.Load().(string)
		switch {
		case g.shut.Load():
			panic(http.ErrAbortHandler)
		case want != "" && r.Header.Get("Authorization") != "Bearer "+want:
			http.Error(w, "who are you?", http.StatusUnauthorized)
		default:
			g.passed.Add(1)
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	g.URI = front.URL
	return g
}

// Admit lets in those who have another token, and nobody else.
func (g *Gate) Admit(token string) { g.token.Store(token) }

// Shut answers nobody, or everybody again.
func (g *Gate) Shut(shut bool) { g.shut.Store(shut) }

// Passed counts the requests that were let in.
func (g *Gate) Passed() int64 { return g.passed.Load() }

// After has f told of each request that the server answered, before the answer is
// passed on. Where f says so, it is lost.
func (g *Gate) After(f func(*http.Request) (lost bool)) { g.after.Store(&f) }

// Told counts the bytes of the server's answers, without headers.
func (g *Gate) Told() int64 { return g.told.Load() }

// counted counts what is read of an answer.
type counted struct {
	io.ReadCloser

	of *atomic.Int64
}

// Read implements io.Reader.
func (c *counted) Read(into []byte) (int, error) {
	n, err := c.ReadCloser.Read(into)
	c.of.Add(int64(n))
	return n, err
}
