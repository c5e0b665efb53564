package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// echo is a kind of models that keeps nothing: it answers with what it was
// asked, or with its error, or panics.
type echo struct {
	err   error
	panic bool
}

type modelSeen = mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]

func (e echo) answer() error {
	if e.panic {
		panic("echo")
	}
	return e.err
}

func (e echo) Create(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	return mlops.Change{Ref: spec.ID(), Revision: api.Owner(ctx)}, e.answer()
}

func (e echo) Get(_ context.Context, ref mlops.ID) (modelSeen, error) {
	return modelSeen{Ref: ref, Wait: time.Second}, e.answer()
}

func (e echo) List(_ context.Context, parent mlops.ID) ([]modelSeen, error) {
	return []modelSeen{{Ref: parent.Child(mlops.NounModel, "m")}}, e.answer()
}

func (e echo) Update(_ context.Context, ref mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	return mlops.Change{Ref: ref, Revision: spec.Description}, e.answer()
}

func (e echo) Delete(context.Context, mlops.ID) error { return e.answer() }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// ask makes one request of a handler with this kind of models.
func ask(models mlops.Kind[mlops.ModelSpec, mlops.ModelStatus], method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+api.Host+target, strings.NewReader(body))
	r.Header.Set(api.OwnerHeader, "us")
	w := httptest.NewRecorder()
	Handler(Config{Models: models, Log: quiet()}).ServeHTTP(w, r)
	return w
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	const odd = "local/e/models/a%2Fb%20%C3%A9" // as an ID has it; encoded once more in a URL
	tests := []struct {
		name, method, target, body, want string
	}{
		{"create", "POST", "/v1/objects/model", `{"environment":"local/e","name":"m"}`, `{"ref":"local/e/models/m","revision":"us"}`},
		{"update", "PUT", "/v1/objects/model/local/e/models/m", `{"description":"d"}`, `{"ref":"local/e/models/m","revision":"d"}`},
		{"delete", "DELETE", "/v1/objects/model/local/e/models/m", "", `{}`},
		{"encoded", "PUT", "/v1/objects/model/" + strings.ReplaceAll(odd, "%", "%25"), `{}`, `{"ref":"` + odd + `","revision":""}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := ask(echo{}, tt.method, tt.target, tt.body)
			if w.Code != http.StatusOK || w.Body.String() != tt.want {
				t.Errorf("%d %s, want %s", w.Code, w.Body, tt.want)
			}
			if w.Header().Get(api.RequestHeader) == "" {
				t.Error("a request without a name")
			}
		})
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	var one api.Object[mlops.ModelSpec, mlops.ModelStatus]
	if err := json.Unmarshal(ask(echo{}, "GET", "/v1/objects/model/local/e/models/m", "").Body.Bytes(), &one); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(modelSeen{Ref: "local/e/models/m", Wait: time.Second}, one.Observed()); diff != "" {
		t.Error(diff)
	}
	var all api.List[mlops.ModelSpec, mlops.ModelStatus]
	if err := json.Unmarshal(ask(echo{}, "GET", "/v1/objects/model?under=local/e", "").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Objects) != 1 || all.Objects[0].Ref != "local/e/models/m" {
		t.Errorf("listed %v", all)
	}
}

// unlisted is a kind that cannot list.
type unlisted struct {
	mlops.Kind[mlops.ModelSpec, mlops.ModelStatus]
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	one := "/v1/objects/model/local/e/models/m"
	tests := []struct {
		name                 string
		models               mlops.Kind[mlops.ModelSpec, mlops.ModelStatus]
		method, target, body string
		status               int
		words                string
	}{
		{"unknown field", echo{}, "POST", "/v1/objects/model", `{"title":"m"}`, 422, "title"},
		{"wrong type", echo{}, "POST", "/v1/objects/model", `{"name":7}`, 422, "name"},
		{"no JSON", echo{}, "PUT", one, `{`, 422, "cannot be read"},
		{"nothing", echo{}, "PUT", one, ``, 422, "cannot be read"},
		{"something behind", echo{}, "PUT", one, `{} {}`, 422, "follows the spec"},
		{"too large", echo{}, "PUT", one, `{"name":"` + strings.Repeat("x", maxSpec) + `"}`, 422, "larger than 8 MiB"},
		{"another noun", echo{}, "GET", "/v1/objects/model/local/e/pipelines/p", "", 422, "is the ID of a pipeline"},
		{"no ID", echo{}, "DELETE", "/v1/objects/model/nowhere", "", 422, "no backend"},
		{"unknown noun", echo{}, "GET", "/v1/objects/weather/local/e", "", 404, "no operation"},
		{"unknown path", echo{}, "GET", "/", "", 404, "no operation"},
		{"unknown method", echo{}, "PATCH", one, "", 404, "no operation PATCH"},
		{"no list", unlisted{}, "GET", "/v1/objects/model?under=local/e", "", 422, "cannot be listed"},
		{"coded", echo{err: mlops.NewError(mlops.Conflict, errors.New("in use"))}, "DELETE", one, "", 409, "in use"},
		{"not coded", echo{err: errors.New("boom")}, "GET", one, "", 500, "boom"},
		{"panic", echo{panic: true}, "GET", one, "", 500, "please report it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := ask(tt.models, tt.method, tt.target, tt.body)
			var p api.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
			if w.Code != tt.status || p.Status != tt.status || !strings.Contains(p.Detail, tt.words) {
				t.Errorf("%d %+v, want %d with %q", w.Code, p, tt.status, tt.words)
			}
			if got := w.Header().Get("Content-Type"); got != api.ProblemType {
				t.Errorf("it is of type %q", got)
			}
			if p.Request == "" || p.Request != w.Header().Get(api.RequestHeader) {
				t.Errorf("it is of request %q", p.Request)
			}
		})
	}
}

func TestOtherHosts(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "http://rebound.example/v1/engine", nil)
	w := httptest.NewRecorder()
	Handler(Config{Log: quiet()}).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("another host is answered with %d", w.Code)
	}
}

func TestEngineOperations(t *testing.T) {
	t.Parallel()
	var stopped []bool
	h := Handler(Config{
		Log: quiet(), Stop: func(keep bool) { stopped = append(stopped, keep) },
		Status: func(context.Context) (api.Engine, error) { return api.Engine{PID: 7}, nil },
	})
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "http://"+api.Host+api.EnginePath, nil),
		httptest.NewRequest(http.MethodPost, "http://"+api.Host+api.StopPath, nil),
		httptest.NewRequest(http.MethodPost, "http://"+api.Host+api.StopPath+"?keep=true", nil),
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", r.URL, w.Code, w.Body)
		}
	}
	if diff := cmp.Diff([]bool{false, true}, stopped); diff != "" {
		t.Error(diff)
	}
}

// TestServeFinishesRequests proves that a request under way when the end comes
// is answered, and that the end is then prompt and without an error.
func TestServeFinishesRequests(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stop()
		<-ctx.Done()
		_, _ = io.WriteString(w, "answered")
	})
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, h, quiet(), time.Minute) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "answered" {
		t.Errorf("the answer is %q, %v", b, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// endpoints is a kind of endpoints that gives one token out.
type endpoints struct {
	mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
}

func (endpoints) Credentials(_ context.Context, ref mlops.ID) (mlops.Credentials, error) {
	if ref.Name() != "p" {
		return mlops.Credentials{}, mlops.NewError(mlops.NotFound, errors.New("there is no such endpoint"))
	}
	return mlops.Credentials{URL: "http://x", Token: "t", Headers: map[string]string{"Authorization": "Bearer t"}}, nil
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, target string
		status       int
		want         string
	}{
		{"given", "/v1/credentials/local/e/endpoints/p", 200, `{"url":"http://x","token":"t","headers":{"Authorization":"Bearer t"}}`},
		{"not there", "/v1/credentials/local/e/endpoints/q", 404, "no such endpoint"},
		{"of another noun", "/v1/credentials/local/e/models/m", 422, "model endpoint"},
		{"no ID", "/v1/credentials/x", 422, "no backend"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "http://"+api.Host+tt.target, http.NoBody)
			Handler(Config{ModelEndpoints: endpoints{}, Log: quiet()}).ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s, want %d with %s", w.Code, w.Body, tt.status, tt.want)
			}
			if c := w.Header().Get("Cache-Control"); c != "no-store" && tt.status == http.StatusOK {
				t.Errorf("Cache-Control %q", c)
			}
		})
	}
}
