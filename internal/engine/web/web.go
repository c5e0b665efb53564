package web

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Root is the path that all pages are below.
const Root = "/-/"

// Objects is what the pages read of one noun.
type Objects[Spec, Status any] interface {
	Get(ctx context.Context, ref mlops.ID) (mlops.Observed[Spec, Status], error)
	List(ctx context.Context, under mlops.ID) ([]mlops.Observed[Spec, Status], error)
}

// Config is what the pages show. Every field is needed.
type Config struct {
	Environments   Objects[mlops.EnvironmentSpec, mlops.EnvironmentStatus]
	Experiments    Objects[mlops.ExperimentSpec, mlops.ExperimentStatus]
	Datasets       Objects[mlops.DatasetSpec, mlops.DatasetStatus]
	Pipelines      Objects[mlops.PipelineSpec, mlops.PipelineStatus]
	PipelineRuns   Objects[mlops.PipelineRunSpec, mlops.PipelineRunStatus]
	Models         Objects[mlops.ModelSpec, mlops.ModelStatus]
	ModelVersions  Objects[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
	ModelEndpoints Objects[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	Monitors       Objects[mlops.MonitorSpec, mlops.MonitorStatus]

	// Minutes returns an endpoint's figures by minute; see gateway.Series.
	Minutes func(endpoint mlops.ID, since time.Time) []gateway.Minute
	// Reports returns a monitor's last reports, oldest first.
	Reports func(ctx context.Context, monitor mlops.ID) ([]mlops.MonitorReport, error)
	// StepLog returns the end of what a step's last attempt wrote.
	StepLog func(ctx context.Context, run mlops.ID, step string) (string, error)

	Log *slog.Logger
}

var (
	//go:embed style.css
	style []byte
	//go:embed icon.svg
	icon []byte
)

// Handler answers everything below Root.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Root+"style.css", file("text/css; charset=utf-8", style))
	mux.HandleFunc("GET "+Root+"icon.svg", file("image/svg+xml", icon))
	mux.Handle("GET "+Root+"chart/{name}/{id...}", answer{c, c.drawChart})
	mux.Handle("GET "+Root+"lineage/{id...}", answer{c, c.page(c.lineagePage)})
	mux.Handle("GET "+Root+"{$}", answer{c, c.page(c.homePage)})
	mux.Handle("GET "+Root+"{id...}", answer{c, c.page(c.objectPage)})
	return secured(mux)
}

func file(kind string, contents []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(contents) // a reader who left cannot be told
	}
}

// secured keeps pages from loading or running anything of others', and others
// from framing them.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// answer is a handler that may fail.
type answer struct {
	Config

	write func(w http.ResponseWriter, r *http.Request) error
}

func (a answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := a.write(w, r)
	if err == nil || r.Context().Err() != nil {
		return
	}
	if code := mlops.CodeOf(err); code == mlops.NotFound || code == mlops.Invalid {
		a.fail(w, http.StatusNotFound, "Not here", mlops.Message(err))
		return
	}
	a.Log.Error("page cannot be shown", "path", r.URL.Path, "error", err)
	a.fail(w, http.StatusInternalServerError, "This page cannot be shown", "The engine's log says why.")
}

func (a answer) fail(w http.ResponseWriter, status int, title, text string) {
	p := page{Title: title, Sections: []section{{Text: text}}}
	if err := p.write(w, status); err != nil {
		a.Log.Error("page cannot be written", "error", err)
	}
}

// maker makes a page for an ID.
type maker func(ctx context.Context, id mlops.ID) (page, error)

// page turns a maker into a handler.
func (c Config) page(contents maker) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := contents(r.Context(), mlops.ID(strings.TrimSuffix(r.PathValue("id"), "/")))
		if err != nil {
			return err
		}
		return p.write(w, http.StatusOK)
	}
}

// objectPage shows whatever an ID names.
func (c Config) objectPage(ctx context.Context, id mlops.ID) (page, error) {
	parsed, err := id.Parse()
	if err != nil {
		return page{}, mlops.NewError(mlops.Invalid, err)
	}
	makers := map[mlops.Noun]maker{
		mlops.NounEnvironment:   c.environmentPage,
		mlops.NounExperiment:    c.experimentPage,
		mlops.NounDataset:       c.datasetPage,
		mlops.NounPipeline:      c.pipelinePage,
		mlops.NounPipelineRun:   c.runPage,
		mlops.NounModel:         c.modelPage,
		mlops.NounModelVersion:  c.versionPage,
		mlops.NounModelEndpoint: c.endpointPage,
		mlops.NounMonitor:       c.monitorPage,
	}
	contents, ok := makers[parsed.Noun]
	if !ok {
		return page{}, mlops.NewError(mlops.NotFound, errors.New("there is no page for "+parsed.Noun.One()))
	}
	p, err := contents(ctx, id)
	if err != nil {
		return page{}, err
	}
	p.Trail, p.Kind = trail(id), parsed.Noun.Words()
	return p, nil
}

// trail is the way from the first page to an object's.
func trail(id mlops.ID) []cell {
	var up []cell
	for at := id.Parent(); at != ""; at = at.Parent() {
		up = append([]cell{linkTo(at, at.Name())}, up...)
	}
	return append([]cell{{Text: "Environments", Link: Root}}, up...)
}
