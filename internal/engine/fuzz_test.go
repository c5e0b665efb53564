package engine

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/server"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// fenced keeps invented specs from touching the machine: those that would are
// refused.
type fenced[Spec, Status any] struct {
	mlops.Kind[Spec, Status]

	touches func(Spec) bool
}

var errFenced = mlops.NewError(mlops.Invalid, errors.New("outside the fence"))

func (f fenced[Spec, Status]) Create(ctx context.Context, spec Spec) (mlops.Change, error) {
	if f.touches(spec) {
		return mlops.Change{}, errFenced
	}
	return f.Kind.Create(ctx, spec)
}

func (f fenced[Spec, Status]) Update(ctx context.Context, ref mlops.ID, spec Spec) (mlops.Change, error) {
	if f.touches(spec) {
		return mlops.Change{}, errFenced
	}
	return f.Kind.Update(ctx, ref, spec)
}

// fuzzHandler is the control API of an engine whose services take orders and
// carry none out.
func fuzzHandler(f *testing.F) http.Handler {
	f.Helper()
	e := &engine{Config: Config{Version: "dev"}, layout: layout.Layout{Root: f.TempDir()}, log: slog.New(slog.DiscardHandler)}
	var err error
	if e.store, err = store.Open(f.Context(), filepath.Join(e.layout.Root, "engine.db")); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := e.store.Close(); err != nil {
			f.Error(err)
		}
	})
	keys, err := secret.Open(e.layout.Root)
	if err != nil {
		f.Fatal(err)
	}
	e.assemble(pyenv.New("", f.TempDir(), e.log), keys)
	return server.Handler(server.Config{
		Environments: fenced[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{e.registry.Environments(), func(s mlops.EnvironmentSpec) bool {
			return s.Target.Settings["directory"] != nil
		}},
		Pipelines:    e.registry.Pipelines(),
		PipelineRuns: e.runner,
		Models:       e.registry.Models(),
		// Without versions no endpoint is ever accepted.
		ModelVersions: fenced[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{e.registry.ModelVersions(), func(s mlops.ModelVersionSpec) bool {
			return mlops.Check(s) == nil && s.Run == ""
		}},
		ModelEndpoints: e.serving,
		Experiments:    e.registry.Experiments(),
		Datasets: fenced[mlops.DatasetSpec, mlops.DatasetStatus]{e.registry.Datasets(), func(s mlops.DatasetSpec) bool {
			return mlops.Check(s) == nil && s.Run == ""
		}},
		Monitors:   e.monitors,
		Check:      e.monitors.CheckNow,
		MailServer: e.alerts.SetMailServer,
		Status:     e.status,
		Stop:       func(bool) {},
		Log:        e.log,
	})
}

// FuzzControl proves that no request, whatever its path and body, is the
// engine's fault: the answer is never a 5xx, and nothing panics.
func FuzzControl(f *testing.F) {
	h := fuzzHandler(f)
	const objects = api.ObjectsPath
	seeds := []struct{ method, target, body string }{
		{"POST", objects + "/environment", `{"id":"local/e","name":"e","stage":"dev","target":{"backend":"local","settings":{}},"labels":{"a":"b"},"retention":{"runs":"1h"}}`},
		{"POST", objects + "/pipeline", `{"environment":"local/e","name":"p","parameters":{"d":{"type":"integer","default":"4"}},"steps":{"a":{"command":["true"],"outputs":["x"]},"b":{"script":"1","inputs":{"x":"{{steps.a.outputs.x}}"}}},"schedule":{"cron":"0 3 * * *","timezone":"Europe/Berlin"}}`},
		{"POST", objects + "/pipeline_run", `{"pipeline":"local/e/pipelines/p","parameters":{"d":"5"},"triggers":{"t":"1"}}`},
		{"POST", objects + "/model", `{"environment":"local/e","name":"m","labels":null}`},
		{"POST", objects + "/model_version", `{"model":"local/e/models/m","run":"local/e/pipelines/p/runs/r","output":"model","format":"sklearn","approval":"pending"}`},
		{"POST", objects + "/model_endpoint", `{"environment":"local/e","name":"p","variants":{"a":{"version":"local/e/models/m/versions/1","traffic":100,"compute":{"cpu":1,"memory":"1Gi"},"scaling":{"min":0}}},"smoke_test":{"request":"{}","expect_status":200}}`},
		{"PUT", objects + "/model/local/e/models/m", `{"environment":"local/e","name":"m","description":"d"}`},
		{"GET", objects + "/environment/local/e", ""},
		{"GET", objects + "/pipeline?under=local/e", ""},
		{"DELETE", objects + "/pipeline/local/e/pipelines/p", ""},
		{"DELETE", objects + "/environment/local/e", ""},
		{"POST", objects + "/experiment", `{"environment":"local/e","name":"x","labels":null}`},
		{"POST", objects + "/monitor", `{"endpoint":"local/e/endpoints/p","name":"w","schedule":{"cron":"* * * * *"},"health":{"max_error_percent":1},"alerts":{"webhook_url":"http://127.0.0.1/","emails":[]}}`},
		{"POST", "/v1/checks/local/e/monitors/w", ""},
		{"PUT", "/v1/engine/mail-server", `{"url":"smtp://u:p@h?from=a@b.c"}`},
		{"GET", "/v1/engine", ""},
		{"POST", "/v1/engine/stop?keep=true", ""},
		{"GET", objects + "/model/local/e/models/%25zz/versions/../..", ""},
		{"PUT", objects + "/environment/local/%00", "[]"},
	}
	for _, s := range seeds {
		f.Add(s.method, s.target, s.body)
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return // cannot be sent
		}
		r := httptest.NewRequest(http.MethodGet, "http://"+api.Host, strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = method, u.Path, u.RawPath, u.RawQuery
		r.Header.Set(api.OwnerHeader, "us")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %s\n%s\n%d %s", method, target, body, w.Code, w.Body)
		}
	})
}
