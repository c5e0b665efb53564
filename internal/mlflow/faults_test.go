package mlflow

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// breaker stands between a client and the server, and breaks one request.
type breaker struct {
	path  string // of the request
	after bool   // the server did it, and failed over its answer
	armed atomic.Bool
}

func (b *breaker) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.Contains(req.URL.Path, b.path) || !b.armed.CompareAndSwap(true, false) {
		return http.DefaultTransport.RoundTrip(req)
	}
	if !b.after {
		return nil, errors.New("connection reset by peer")
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	page := io.NopCloser(strings.NewReader("<h1>Internal Server Error</h1>"))
	return &http.Response{StatusCode: http.StatusInternalServerError, Header: http.Header{}, Body: page, Request: req}, nil
}

// cutAt runs a test for each request, with a stock of its own and what breaks that
// request once it is armed: it is never made, or the server fails when it has done it.
func cutAt(t *testing.T, paths []string, test func(s *stock, c *Client, arm func())) {
	t.Helper()
	for _, path := range paths {
		for _, after := range []bool{false, true} {
			title := path + " is refused"
			if after {
				title = path + " is done and fails"
			}
			t.Run(title, func(t *testing.T) {
				t.Parallel()
				b := &breaker{path: path, after: after}
				c, err := NewClient(Options{URI: server.URI(t), HTTP: &http.Client{Transport: b}})
				if err != nil {
					t.Fatal(err)
				}
				test(newStockBy(t, c), c, func() { b.armed.Store(true) })
			})
		}
	}
}

// TestInterruptedRegistration proves that what was interrupted at any request is
// finished by the next try, and makes neither two versions nor two runs.
func TestInterruptedRegistration(t *testing.T) {
	t.Parallel()
	paths := []string{"runs/create", "mlflow-artifacts/artifacts/", "runs/log-batch", "runs/update", "model-versions/create", "registered-models/alias"}
	cutAt(t, paths, func(s *stock, c *Client, arm func()) {
		spec := s.file("bytes")
		spec.Metrics, spec.Aliases = map[string]float64{"accuracy": 0.9}, []string{"champion"}
		arm()
		_, err := s.versions.Create(s.Context(), spec)
		s.wantCode("the interrupted try", err, mlops.Unavailable)
		ref := s.register(spec)
		if diff := cmp.Diff(spec, s.get(ref).Spec); diff != "" {
			s.Errorf("registered (-want +got):\n%s", diff)
		}
		if all, err := s.versions.List(s.Context(), s.model.ID()); err != nil || len(all) != 1 {
			s.Errorf("%d versions, %v; want one", len(all), err)
		}
		runs, err := c.activeRuns(s.Context(), s.home())
		if err != nil || len(runs) != 1 {
			s.Errorf("%d runs, %v; want one", len(runs), err)
		}
	})
}

// meddler changes a file when the first of its bytes are sent.
type meddler struct{ path string }

func (m meddler) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPut {
		if err := os.WriteFile(m.path, []byte("other"), 0o600); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}

// TestBytesThatChange proves that no version has other bytes than its digest says.
func TestBytesThatChange(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	spec := s.file("bytes")
	c, err := NewClient(Options{URI: server.URI(t), HTTP: &http.Client{Transport: meddler{spec.ArtifactURI}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewRegistry(c, findFile).ModelVersions("us").Create(t.Context(), spec)
	s.wantCode("bytes that changed underneath", err, mlops.Conflict)
	if all, err := s.versions.List(t.Context(), s.model.ID()); err != nil || len(all) != 0 {
		t.Errorf("%d versions, %v; want none", len(all), err)
	}
	ref := s.register(spec) // what it is by now
	at, err := s.versions.Export(t.Context(), ref, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.wantBytes(at, s.get(ref).Status.Digest)
}

// home is the model's experiment.
func (s *stock) home() string {
	s.Helper()
	seen, err := s.models.Get(s.Context(), s.model.ID())
	if err != nil {
		s.Fatal(err)
	}
	return seen.Native["experiment_id"]
}

// TestInterruptedDeletion proves that a deletion that was interrupted at any
// request can be repeated until everything is gone.
func TestInterruptedDeletion(t *testing.T) {
	t.Parallel()
	paths := []string{"mlflow-artifacts/artifacts/", "runs/delete", "model-versions/delete", "experiments/update", "experiments/delete", "registered-models/delete"}
	cutAt(t, paths, func(s *stock, c *Client, arm func()) {
		ref := s.register(s.file("bytes"))
		home := s.home()
		arm()
		all := func() error {
			if err := unlessGone(s.versions.Delete(s.Context(), ref)); err != nil {
				return err
			}
			return unlessGone(s.models.Delete(s.Context(), s.model.ID()))
		}
		s.wantCode("the interrupted try", all(), mlops.Unavailable)
		if err := all(); err != nil {
			s.Fatal(err)
		}
		if runs, err := c.activeRuns(s.Context(), home); err != nil || len(runs) != 0 {
			s.Errorf("%d runs are left, %v", len(runs), err)
		}
		found, err := c.experimentNamed(s.Context(), s.name())
		if !is(err, mlops.NotFound) && found.Stage != stageDeleted {
			s.Errorf("the experiment is left: %+v, %v", found, err)
		}
		if _, err := s.models.Create(s.Context(), s.model); err != nil {
			s.Errorf("made again: %v", err)
		}
		s.register(s.file("bytes"))
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   mlops.Code
		words  string
	}{
		{"no such", 404, `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model with name=x not found"}`, mlops.NotFound, "Registered Model with name=x not found"},
		{"there already", 400, `{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "m"}`, mlops.AlreadyExists, "m"},
		{"bad value", 400, `{"error_code": "INVALID_PARAMETER_VALUE", "message": "m"}`, mlops.Invalid, "m"},
		{"no right", 403, `{"error_code": "PERMISSION_DENIED", "message": "m"}`, mlops.PermissionDenied, "m"},
		{"busy", 429, `{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "m"}`, mlops.Unavailable, "m"},
		{"passing", 503, `{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "database is locked"}`, mlops.Unavailable, "database is locked"},
		{"its fault", 500, `{"error_code": "INTERNAL_ERROR", "message": "m"}`, mlops.Unavailable, "m"},
		{"a code of tomorrow", 409, `{"error_code": "NEW_CODE", "message": "m"}`, mlops.Conflict, "m"},
		{"a proxy asks who", 401, "You are not authenticated.", mlops.Unauthenticated, "You are not authenticated."},
		{"a proxy's page", 502, "<html>\n<h1>Bad\tGateway</h1></html>", mlops.Unavailable, "<h1>Bad Gateway</h1>"},
		{"no MLflow", 404, "<!doctype html><title>404 Not Found</title>", mlops.Unsupported, "404"},
		{"a long page", 500, strings.Repeat("ü", 5000), mlops.Unavailable, "…"},
		{"no JSON", 200, "<html>Welcome</html>", mlops.Failed, "no MLflow server"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer s.Close()
			_, err := connect(t, s.URL).registeredModel(t.Context(), "x")
			if got := mlops.CodeOf(err); got != tt.want || !strings.Contains(err.Error(), tt.words) || len(err.Error()) > 600 {
				t.Errorf("%v has code %q, want %q and %q", err, got, tt.want, tt.words)
			}
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	var seen http.Header
	var path string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, path = r.Header, r.URL.Path
		_, _ = io.WriteString(w, `{"registered_model": {"name": "x"}}`)
	}))
	defer s.Close()
	c, err := NewClient(Options{URI: s.URL + "/behind/", Token: "s3cret", UserAgent: "terraform-provider-mlops/1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.registeredModel(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if seen.Get("Authorization") != "Bearer s3cret" || seen.Get("User-Agent") != "terraform-provider-mlops/1.2.3" || path != "/behind/api/2.0/mlflow/registered-models/get" {
		t.Errorf("%s was asked with %v", path, seen)
	}
	s.Close()
	_, err = c.registeredModel(t.Context(), "x")
	if mlops.CodeOf(err) != mlops.Unavailable || !strings.Contains(err.Error(), s.URL) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a server that is down: %v", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := c.registeredModel(late, "x"); !errors.Is(err, context.DeadlineExceeded) || mlops.CodeOf(err) != mlops.Timeout {
		t.Errorf("a deadline that is over: %v", err)
	}
}

// TestRedirects proves that a token goes nowhere but to the server that was named.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL+"/login", http.StatusFound))
	defer s.Close()
	err := connect(t, s.URL).deleteRegisteredModel(t.Context(), "x")
	if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(err.Error(), other.URL) || asked.Load() != 0 {
		t.Errorf("%v, and the other was asked %d times", err, asked.Load())
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"", "mlflow.example.com", "ftp://mlflow.example.com", "http://", "https://u:p@mlflow.example.com", "https://mlflow.example.com?x=1", "http://mlflow.example.com/#/models", ":"} {
		if _, err := NewClient(Options{URI: uri}); mlops.CodeOf(err) != mlops.Invalid || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

// TestHostileArtifacts proves that a server cannot write outside of where its
// artifacts are to be, nor more than it announced.
func TestHostileArtifacts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../up", "/etc/x", "..", `a\b`, "a/b", ""} {
		c := hostile(t, `{"files": [{"path": "`+strings.ReplaceAll(name, `\`, `\\`)+`", "is_dir": false, "file_size": 1}]}`)
		if _, err := c.folder(t.Context(), "x"); mlops.CodeOf(err) != mlops.Failed {
			t.Errorf("%q: %v", name, err)
		}
	}
	to := t.TempDir()
	c := hostile(t, `{"files": [{"path": "f", "is_dir": false, "file_size": "3"}]}`)
	if _, err := c.download(t.Context(), "x/f", to); mlops.CodeOf(err) != mlops.Failed {
		t.Errorf("more bytes than announced: %v", err)
	}
	if info, err := os.Stat(filepath.Join(to, "f")); err != nil || info.Size() > 4 {
		t.Errorf("wrote %v, %v", info, err)
	}
	for _, uri := range []string{"s3://bucket/x", "mlflow-artifacts://other.example.com/x", "mlflow-artifacts:/", "mlflow-artifacts:/../x", "/mlruns/x"} {
		if at, err := artifactAt(uri); mlops.CodeOf(err) != mlops.Unsupported {
			t.Errorf("%s is at %q, %v", uri, at, err)
		}
	}
}

// hostile answers a list with a text, and any file with a hundred bytes.
func hostile(t *testing.T, list string) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, artifactsPath) {
			_, _ = io.WriteString(w, list)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 100))
	}))
	t.Cleanup(s.Close)
	return connect(t, s.URL)
}

func TestEndlessPages(t *testing.T) {
	t.Parallel()
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		q, _ := url.ParseQuery(r.URL.RawQuery)
		next := map[string]string{"": "2", "2": "3"}[q.Get("page_token")]
		_, _ = io.WriteString(w, `{"model_versions": [{"name": "m", "version": "1", "creation_timestamp": "7"}], "next_page_token": "`+next+`"}`)
	}))
	defer s.Close()
	all, err := connect(t, s.URL).searchModelVersions(t.Context(), "name = 'm'")
	if err != nil || len(all) != 3 || asked != 3 || all[2].Created != 7 {
		t.Errorf("%d versions by %d requests, %v", len(all), asked, err)
	}
	same := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"next_page_token": "2"}`)
	}))
	defer same.Close()
	if _, err := connect(t, same.URL).searchModelVersions(t.Context(), ""); mlops.CodeOf(err) != mlops.Failed {
		t.Errorf("pages without an end: %v", err)
	}
}
