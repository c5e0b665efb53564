package lifecycle_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type (
	endpointKind   = mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	endpointTarget = lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	endpointSeen   = mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
)

const churn mlops.ID = "memory/dev/endpoints/churn"

// weights is a platform that has nothing but plain weights, and notes what it is
// asked for. What is not set does not happen.
type weights struct {
	endpointKind

	stack *stack
	spec  mlops.ModelEndpointSpec // in force at the start

	// measured answers instead of the platform; n counts from 1.
	measured func(n int) (mlops.Figures, error)
	// updated is called after the nth change was accepted, counted from 1, and may
	// fail it.
	updated func(n int) error
	probed  func(variant string) error
	left    map[string]mlops.Variant // what somebody left of the variants in force; nil is all

	updates  []mlops.ModelEndpointSpec
	measures int
}

// newWeights serves a version in memory. A looks of 0 settles at once.
func newWeights(t *testing.T, looks int) *weights {
	t.Helper()
	s := newStack(t, looks)
	w := &weights{endpointKind: s.backend.ModelEndpoints(), stack: s}
	w.spec = mlops.ModelEndpointSpec{
		Environment: dev, Name: "churn", Labels: map[string]string{},
		Variants: map[string]mlops.Variant{"main": {Version: s.version, Traffic: 100, Env: map[string]string{}}},
	}
	apply(t, s, mlops.NounModelEndpoint, s.backend.ModelEndpoints(), w.spec)
	return w
}

func (w *weights) target() endpointTarget {
	target := over(w.stack, mlops.NounModelEndpoint, endpointKind(w))
	target.Capabilities = w.stack.platform.Factory().Capabilities
	return target
}

// next is the endpoint with another version, which its labels make misbehave.
func (w *weights) next(t *testing.T, r *mlops.Rollout, labels map[string]string) mlops.ModelEndpointSpec {
	t.Helper()
	version := apply(t, w.stack, mlops.NounModelVersion, w.stack.backend.ModelVersions(), mlops.ModelVersionSpec{
		Model: "memory/dev/models/churn", ArtifactURI: "s3://bucket/next", Format: "sklearn", Approval: "approved", Labels: labels,
	})
	spec := w.spec
	spec.Variants = maps.Clone(spec.Variants)
	spec.Variants["main"] = mlops.Variant{Version: version, Traffic: 100, Env: map[string]string{}}
	spec.Rollout = r
	return spec
}

func (w *weights) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	change, err := w.endpointKind.Update(ctx, ref, spec)
	if err != nil {
		return change, err
	}
	w.updates = append(w.updates, spec)
	if w.updated != nil {
		err = w.updated(len(w.updates))
	}
	return change, err
}

// Get shows what somebody left of it.
func (w *weights) Get(ctx context.Context, ref mlops.ID) (endpointSeen, error) {
	seen, err := w.endpointKind.Get(ctx, ref)
	if w.left != nil {
		seen.Spec.Variants, seen.Revision = w.left, ""
	}
	return seen, err
}

func (w *weights) Measure(ctx context.Context, ref mlops.ID, since time.Time) (map[string]mlops.Figures, error) {
	w.measures++
	if w.measured != nil {
		f, err := w.measured(w.measures)
		return map[string]mlops.Figures{"main": {Requests: 1e6, Errors: 1e6}, "main-next": f}, err
	}
	measurer, _ := w.endpointKind.(mlops.Measurer)
	return measurer.Measure(ctx, ref, since)
}

// List is the platform's.
func (w *weights) List(ctx context.Context, parent mlops.ID) ([]endpointSeen, error) {
	lister, _ := w.endpointKind.(mlops.Lister[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus])
	return lister.List(ctx, parent)
}

func (w *weights) Probe(_ context.Context, _ mlops.ID, variant string) error {
	if w.probed == nil {
		return nil
	}
	return w.probed(variant)
}

// shares is what was asked for in turn: the traffic of each variant.
func (w *weights) shares() []map[string]int64 {
	var out []map[string]int64
	for _, spec := range w.updates {
		traffic := map[string]int64{}
		for name, v := range spec.Variants {
			traffic[name] = v.Traffic
		}
		out = append(out, traffic)
	}
	return out
}

// raw is the endpoint as the platform has it.
func (w *weights) raw(t *testing.T) endpointSeen {
	t.Helper()
	seen, err := w.stack.backend.ModelEndpoints().Get(t.Context(), churn)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func strict(strategy string) *mlops.Rollout {
	percent := 1.0
	return &mlops.Rollout{
		Strategy: strategy, Bake: mlops.Duration(time.Hour),
		Gates: &mlops.Gates{MaxErrorPercent: &percent, MaxP95: mlops.Duration(300 * time.Millisecond), MinRequests: 100},
	}
}

func TestRolloutTakesItsSteps(t *testing.T) {
	tests := []struct {
		name    string
		rollout *mlops.Rollout
		want    []map[string]int64
		took    time.Duration
	}{
		{
			name: "canary", rollout: strict(mlops.RolloutCanary), took: 2 * time.Hour,
			want: []map[string]int64{{"main": 90, "main-next": 10}, {"main": 50, "main-next": 50}, {"main": 100}},
		},
		{
			name: "linear", rollout: &mlops.Rollout{Strategy: mlops.RolloutLinear, Increment: 40, Bake: mlops.Duration(10 * time.Minute)}, took: 20 * time.Minute,
			want: []map[string]int64{{"main": 60, "main-next": 40}, {"main": 20, "main-next": 80}, {"main": 100}},
		},
		{
			name: "blue and green", rollout: strict(mlops.RolloutBlueGreen), took: time.Hour,
			want: []map[string]int64{{"main": 0, "main-next": 100}, {"main": 100}},
		},
		{name: "all at once", rollout: &mlops.Rollout{Strategy: mlops.RolloutAllAtOnce}, want: []map[string]int64{{"main": 100}}},
		{name: "no rollout", want: []map[string]int64{{"main": 100}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWeights(t, 2)
				asked, begin := w.next(t, tt.rollout, nil), time.Now()
				seen, err := w.target().Update(within(t, 24*time.Hour), churn, asked, ignore)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, w.shares()); diff != "" {
					t.Errorf("traffic (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(asked, seen.Spec); diff != "" {
					t.Errorf("in force (-want +got):\n%s", diff)
				}
				if took := time.Since(begin); took < tt.took || took > tt.took+10*time.Second {
					t.Errorf("took %s, want %s and a little more", took, tt.took)
				}
			})
		})
	}
}

func TestFailedStepGoesBack(t *testing.T) {
	badAtHalf := func(w *weights) (mlops.Figures, error) {
		f := mlops.Figures{Requests: 500, P95: mlops.Duration(20 * time.Millisecond)}
		if w.updates[len(w.updates)-1].Variants["main-next"].Traffic == 50 {
			f.Errors = 40
		}
		return f, nil
	}
	always := func(f mlops.Figures, err error) func(*weights) (mlops.Figures, error) {
		return func(*weights) (mlops.Figures, error) { return f, err }
	}
	tests := []struct {
		name     string
		labels   map[string]string
		measured func(*weights) (mlops.Figures, error)
		gates    func(*mlops.Gates)
		probed   func(string) error
		code     mlops.Code
		words    []string
		took     time.Duration // at most
	}{
		{
			name: "errors", labels: map[string]string{"memory_error_percent": "3.2"}, code: mlops.Failed, took: time.Hour + time.Minute,
			words: []string{"step 1 of 2", "10 %", "3.20 % of 1000 requests failed, more than max_error_percent = 1", "what served before"},
		},
		{
			name: "latency", labels: map[string]string{"memory_latency": "400ms"}, code: mlops.Failed, took: time.Hour + time.Minute,
			words: []string{"p95 of 1000 requests was 400ms, more than max_p95 = 300ms", "measured 1000 requests"},
		},
		{
			name: "later step", measured: badAtHalf, code: mlops.Failed, took: 2*time.Hour + time.Minute,
			words: []string{"step 2 of 2", "50 %", "8.00 % of 500"},
		},
		{
			name: "hopeless from the start", code: mlops.Failed, took: time.Minute,
			measured: always(mlops.Figures{Requests: 1000, Errors: 1000}, nil),
			words:    []string{"100.00 % of 1000", "of 1h0m0s"},
		},
		{
			name: "too few requests", labels: map[string]string{"memory_requests": "7"}, code: mlops.Failed, took: 71 * time.Minute,
			words: []string{"too few requests", "min_requests = 100", "7 requests"},
		},
		{
			name: "never measured", code: mlops.Failed, took: 75 * time.Minute,
			measured: always(mlops.Figures{}, mlops.NewError(mlops.Unavailable, errors.New("no metrics today"))),
			words:    []string{"could not be measured", "no metrics today"},
		},
		{
			name: "must not be measured", code: mlops.PermissionDenied, took: time.Minute,
			measured: always(mlops.Figures{}, mlops.NewError(mlops.PermissionDenied, errors.New("not yours"))),
			words:    []string{"cannot be measured", "not yours", "what served before"},
		},
		{
			name: "smoke test", code: mlops.Failed, took: time.Hour + time.Minute,
			gates:  func(g *mlops.Gates) { g.SmokeTest = true },
			probed: func(v string) error { return mlops.NewError(mlops.Failed, errors.New("status 500 of "+v)) },
			words:  []string{`variant "main-next"`, "status 500 of main-next"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWeights(t, 1)
				w.probed = tt.probed
				if tt.measured != nil {
					w.measured = func(int) (mlops.Figures, error) { return tt.measured(w) }
				}
				asked, begin := w.next(t, strict(mlops.RolloutCanary), tt.labels), time.Now()
				asked.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 200}
				if tt.gates != nil {
					tt.gates(asked.Rollout.Gates)
				}
				seen, err := w.target().Update(within(t, 24*time.Hour), churn, asked, ignore)
				wantRefusal(t, err, tt.code, tt.words...)
				if took := time.Since(begin); took > tt.took {
					t.Errorf("took %s, want at most %s", took, tt.took)
				}
				if diff := cmp.Diff(w.spec, seen.Spec); diff != "" {
					t.Errorf("what is reported in force (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(w.spec, w.raw(t).Spec); diff != "" {
					t.Errorf("what is in force (-want +got):\n%s", diff)
				}
				if got := seen.Status.Serving["main"].Version; got != w.stack.version {
					t.Errorf("it serves %q, want %q", got, w.stack.version)
				}
			})
		})
	}
}

// wantRefusal insists on a code, and on words.
func wantRefusal(t *testing.T, err error, code mlops.Code, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*mlops.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("the error is %v, want code %q", err, code)
	}
	for _, want := range words {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %q, want %q in it", err, want)
		}
	}
}

// TestFlappingMeasures proves that figures that come now and then are enough.
func TestFlappingMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeights(t, 0)
		w.measured = func(n int) (mlops.Figures, error) {
			if n%3 != 0 {
				return mlops.Figures{}, mlops.NewError(mlops.Unavailable, errors.New("throttled"))
			}
			return mlops.Figures{Requests: 200}, nil
		}
		asked := w.next(t, strict(mlops.RolloutCanary), nil)
		if _, err := w.target().Update(within(t, 24*time.Hour), churn, asked, ignore); err != nil {
			t.Error(err)
		}
	})
}

// TestPlainChangesAreOne proves that a change without anything new takes no steps.
func TestPlainChangesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeights(t, 1)
		asked := w.spec
		asked.Rollout, asked.Description = strict(mlops.RolloutCanary), "changed"
		if _, err := w.target().Update(within(t, time.Minute), churn, asked, ignore); err != nil {
			t.Fatal(err)
		}
		if len(w.updates) != 1 || w.updates[0].Transition != nil {
			t.Errorf("the changes are %+v, want the one asked for", w.updates)
		}
	})
}

// TestUnmeasurableGates proves that gates that nobody can judge are refused
// before anything is moved.
// TestBrokenEndpointsAreRepairedAtOnce proves that what somebody broke is no beginning of
// steps.
func TestBrokenEndpointsAreRepairedAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		left map[string]mlops.Variant
	}{
		{"server gone", map[string]mlops.Variant{}},
		{"weights moved", map[string]mlops.Variant{"main": {Traffic: 40}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWeights(t, 0)
			asked := w.next(t, &mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{10, 50}}, nil)
			w.left = tt.left
			if _, err := w.target().Update(t.Context(), churn, asked, func(mlops.Change) { w.left = nil }); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]mlops.ModelEndpointSpec{asked}, w.updates); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnmeasurableGates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeights(t, 0)
		asked := w.next(t, strict(mlops.RolloutCanary), nil)
		blind := w.target()
		blind.Kind = struct{ endpointKind }{w}
		_, err := blind.Update(within(t, time.Minute), churn, asked, ignore)
		wantRefusal(t, err, mlops.Unsupported, "cannot be measured here")
		if len(w.updates) != 0 {
			t.Errorf("%d changes were made", len(w.updates))
		}
	})
}

// A step that the smoke test alone judges needs no figures, which nobody may have.
func TestSmokeTestAloneIsNotMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeights(t, 0)
		w.measured = func(int) (mlops.Figures, error) {
			return mlops.Figures{}, mlops.NewError(mlops.Unsupported, errors.New("no Prometheus"))
		}
		probes := 0
		w.probed = func(string) error { probes++; return nil }
		asked := w.next(t, &mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{50}, Bake: mlops.Duration(time.Minute), Gates: &mlops.Gates{SmokeTest: true}}, nil)
		asked.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 200}
		if _, err := w.target().Update(within(t, time.Hour), churn, asked, ignore); err != nil {
			t.Fatal(err)
		}
		if w.measures != 0 || probes != 1 {
			t.Errorf("measured %d times and probed %d times, want 0 and 1", w.measures, probes)
		}
	})
}
