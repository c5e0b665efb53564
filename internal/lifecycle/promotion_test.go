package lifecycle_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	prod      mlops.ID = "memory/prod"
	prodModel mlops.ID = "memory/prod/models/churn"
)

// crossing is a platform that has something to promote, and another to promote
// it to.
type crossing struct {
	*stack

	to     *stack
	source mlops.ID // a version with accuracy 0.9 and rmse 3
}

// newCrossing gives two platforms. The bytes are a file, as a user has them.
func newCrossing(t *testing.T, looks int) *crossing {
	t.Helper()
	c := &crossing{stack: newStack(t, looks)}
	path := filepath.Join(t.TempDir(), "model.joblib")
	if err := os.WriteFile(path, []byte("the bytes of a model"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.source = apply(t, c.stack, mlops.NounModelVersion, c.backend.ModelVersions(), versionOf(path, map[string]float64{"accuracy": 0.9, "rmse": 3}, nil))

	c.to = &stack{platform: memory.NewPlatform(memory.Config{Looks: looks})}
	backend, err := c.to.platform.Factory().Open(t.Context(), mlops.Options{Owner: "us"})
	if err != nil {
		t.Fatal(err)
	}
	c.to.backend = backend
	apply(t, c.to, mlops.NounEnvironment, backend.Environments(), mlops.EnvironmentSpec{
		ID: prod, Name: "prod", Stage: "prod", Target: mlops.Target{Backend: "memory"},
	})
	apply(t, c.to, mlops.NounModel, backend.Models(), mlops.ModelSpec{Environment: prod, Name: "churn"})
	return c
}

func versionOf(path string, metrics map[string]float64, labels map[string]string) mlops.ModelVersionSpec {
	return mlops.ModelVersionSpec{
		Model: "memory/dev/models/churn", ArtifactURI: path, Format: "sklearn", Approval: "pending",
		Packages: []string{"scikit-learn==1.7.2"}, Metrics: metrics, Labels: labels,
	}
}

func (c *crossing) promotion() lifecycle.Promotion {
	return lifecycle.Promotion{Source: c.backend, Target: c.to.backend, By: "ana"}
}

func (c *crossing) asked(g *mlops.PromotionGates) mlops.PromotionSpec {
	return mlops.PromotionSpec{From: c.source, To: prodModel, Gates: g, ApprovedBy: "rita", Aliases: []string{"champion"}}
}

// versions lists what the target's model has.
func (c *crossing) versions(t *testing.T) []mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	t.Helper()
	all, err := over(c.to, mlops.NounModelVersion, c.to.backend.ModelVersions()).List(t.Context(), prodModel)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// serve lets an endpoint serve a version.
func serve(t *testing.T, s *stack, version mlops.ID, labels map[string]string) mlops.ID {
	t.Helper()
	return apply(t, s, mlops.NounModelEndpoint, s.backend.ModelEndpoints(), mlops.ModelEndpointSpec{
		Environment: version.Environment(), Name: "live", Variants: map[string]mlops.Variant{"main": {Version: version, Traffic: 100}}, Labels: labels,
	})
}

// watch puts a monitor on an endpoint, in a state.
func watch(t *testing.T, s *stack, endpoint mlops.ID, state mlops.MonitorState) mlops.ID {
	t.Helper()
	most := 1.0
	return apply(t, s, mlops.NounMonitor, s.backend.Monitors(), mlops.MonitorSpec{
		Endpoint: endpoint, Name: "health", Schedule: mlops.Schedule{Cron: "0 * * * *"}, Health: &mlops.HealthCheck{MaxErrorPercent: &most},
		Labels: map[string]string{"memory_state": string(state)},
	})
}

// TestPromotion proves that the same bytes arrive, with evidence, and that no
// copy of them is left behind.
func TestPromotion(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t, 2)
		monitor := watch(t, c.stack, serve(t, c.stack, c.source, nil), mlops.MonitorOK)
		current := c.asServed(t, map[string]float64{"accuracy": 0.91})
		gates := &mlops.PromotionGates{
			Min: map[string]float64{"accuracy": 0.8}, Max: map[string]float64{"rmse": 5}, Relative: map[string]float64{"accuracy": 2}, Approval: true,
		}
		var recorded mlops.ID
		seen, err := c.promotion().Create(within(t, time.Minute), c.asked(gates), func(ch mlops.Change) { recorded = ch.Ref })
		if err != nil {
			t.Fatal(err)
		}
		source, err := c.backend.ModelVersions().Get(t.Context(), c.source)
		if err != nil {
			t.Fatal(err)
		}
		want := &mlops.Promotion{
			From: c.source, Digest: source.Status.Digest, ApprovedBy: "rita", By: "ana", At: seen.Spec.Promotion.At,
			Metrics: map[string]float64{"accuracy": 0.9, "rmse": 3}, Compared: current,
			Monitors: map[mlops.ID]string{monitor: "ok"}, Gates: seen.Spec.Promotion.Gates,
		}
		if diff := cmp.Diff(want, seen.Spec.Promotion); diff != "" {
			t.Errorf("evidence (-want +got):\n%s", diff)
		}
		if got := time.Since(want.At); got < 0 || got > time.Minute {
			t.Errorf("promoted at %s, %s ago", want.At, got)
		}
		wantGates(t, want.Gates, "min.accuracy", "max.rmse", "relative.accuracy", "approval")
		if seen.Status.Digest != source.Status.Digest || recorded != seen.Ref || seen.Spec.Approval != "approved" {
			t.Errorf("promoted %s as %s (%s), recorded %s: digest %s", c.source, seen.Ref, seen.Spec.Approval, recorded, seen.Status.Digest)
		}
		if seen.Spec.ArtifactURI != seen.Status.URI {
			t.Errorf("the version names %q, and its bytes are at %q", seen.Spec.ArtifactURI, seen.Status.URI)
		}
	})
	left, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "mlops-promotion-") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}

// asServed lets the target serve another version with some metrics.
func (c *crossing) asServed(t *testing.T, metrics map[string]float64) mlops.ID {
	t.Helper()
	spec := versionOf("s3://bucket/current", metrics, nil)
	spec.Model, spec.Approval = prodModel, "approved"
	version := apply(t, c.to, mlops.NounModelVersion, c.to.backend.ModelVersions(), spec)
	serve(t, c.to, version, nil)
	return version
}

func wantGates(t *testing.T, got []mlops.GateResult, want ...string) {
	t.Helper()
	var names []string
	for _, g := range got {
		names = append(names, g.Gate)
		if !g.Passed || g.Detail == "" {
			t.Errorf("gate %+v", g)
		}
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("gates (-want +got):\n%s", diff)
	}
}

// TestGatesRefuse proves that a promotion that any gate refuses makes nothing,
// and names every one of them with its figures; at plan too.
func TestGatesRefuse(t *testing.T) {
	tests := []struct {
		name  string
		gates mlops.PromotionGates
		asked func(*mlops.PromotionSpec)
		world func(t *testing.T, c *crossing)
		words []string
		path  string
	}{
		{
			name: "least", gates: mlops.PromotionGates{Min: map[string]float64{"accuracy": 0.95}},
			words: []string{"min.accuracy", "accuracy is 0.9, and must be at least 0.95"}, path: `gates.min["accuracy"]`,
		},
		{
			name: "most", gates: mlops.PromotionGates{Max: map[string]float64{"rmse": 2.5}},
			words: []string{"max.rmse", "rmse is 3, and must be at most 2.5"}, path: `gates.max["rmse"]`,
		},
		{
			name: "several", gates: mlops.PromotionGates{Min: map[string]float64{"accuracy": 0.95}, Max: map[string]float64{"rmse": 2.5}},
			words: []string{"at least 0.95", "at most 2.5"}, path: `gates.max["rmse"]`,
		},
		{
			name: "no such metric", gates: mlops.PromotionGates{Min: map[string]float64{"accurate": 0.5}},
			words: []string{`no metric "accurate"; it has accuracy, rmse`, `Did you mean "accuracy"?`}, path: `gates.min["accurate"]`,
		},
		{
			name: "worse than what is served", gates: mlops.PromotionGates{Relative: map[string]float64{"accuracy": 2}},
			world: func(t *testing.T, c *crossing) { t.Helper(); c.asServed(t, map[string]float64{"accuracy": 0.95}) },
			words: []string{"relative.accuracy", "0.9", "0.95 for memory/prod/models/churn/versions/1", "margin of 2 %", "at least 0.931"},
			path:  `gates.relative["accuracy"]`,
		},
		{
			name: "not better enough", gates: mlops.PromotionGates{Relative: map[string]float64{"rmse": -10}, Lower: []string{"rmse"}},
			world: func(t *testing.T, c *crossing) { t.Helper(); c.asServed(t, map[string]float64{"rmse": 3.2}) },
			words: []string{"rmse is 3", "at most 2.88"}, path: `gates.relative["rmse"]`,
		},
		{
			name: "nothing to compare", gates: mlops.PromotionGates{Relative: map[string]float64{"rmse": 0}},
			world: func(t *testing.T, c *crossing) { t.Helper(); c.asServed(t, map[string]float64{"accuracy": 1}) },
			words: []string{"cannot be compared", "no such metric"}, path: `gates.relative["rmse"]`,
		},
		{
			name: "never served", gates: mlops.PromotionGates{ServedFor: mlops.Duration(time.Hour)},
			words: []string{"no endpoint of memory/dev is known to serve", "1h0m0s"}, path: "gates.served_for",
		},
		{
			name: "served too short", gates: mlops.PromotionGates{ServedFor: mlops.Duration(24 * time.Hour)},
			world: func(t *testing.T, c *crossing) {
				t.Helper()
				serve(t, c.stack, c.source, nil)
				time.Sleep(3 * time.Hour)
			},
			words: []string{"has served it for 3h0m0s, and must have for 24h0m0s"}, path: "gates.served_for",
		},
		{
			name: "violated", gates: mlops.PromotionGates{ServedFor: mlops.Duration(time.Hour)},
			world: func(t *testing.T, c *crossing) {
				t.Helper()
				endpoint := serve(t, c.stack, c.source, nil)
				time.Sleep(3 * time.Hour)
				watch(t, c.stack, endpoint, mlops.MonitorViolated)
			},
			words: []string{"these monitors were violated: memory/dev/monitors/health"}, path: "gates.served_for",
		},
		{
			name: "rejected", gates: mlops.PromotionGates{},
			world: func(t *testing.T, c *crossing) {
				t.Helper()
				spec := versionOf("s3://bucket/rejected", nil, nil)
				spec.Approval = "rejected"
				c.source = apply(t, c.stack, mlops.NounModelVersion, c.backend.ModelVersions(), spec)
			},
			words: []string{"rejected is not promoted"}, path: "from",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrossing(t, 0)
				if tt.world != nil {
					tt.world(t, c)
				}
				spec, before := c.asked(&tt.gates), c.to.platform.IDs()
				checker := mlops.NewChecker()
				if err := c.promotion().Review(t.Context(), spec, checker); err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(checker.Problems(), func(p mlops.Problem) bool { return p.Path.String() == tt.path }) {
					t.Errorf("the plan shows %v, want a problem at %s", checker.Problems(), tt.path)
				}
				_, err := c.promotion().Create(within(t, time.Minute), spec, ignore)
				wantRefusal(t, err, mlops.CodeOf(err), tt.words...)
				if code := mlops.CodeOf(err); code != mlops.Failed && code != mlops.Invalid {
					t.Errorf("the code is %q", code)
				}
				if diff := cmp.Diff(before, c.to.platform.IDs()); diff != "" {
					t.Errorf("something was made (-before +after):\n%s", diff)
				}
				if exports := c.platform.Calls()["export model_version"]; exports != 0 {
					t.Errorf("bytes were moved %d times", exports)
				}
			})
		})
	}
}

// TestGatesPass proves that gates pass at their limits, and where there is
// nothing to compare with.
func TestGatesPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t, 0)
		watch(t, c.stack, serve(t, c.stack, c.source, nil), mlops.MonitorOK)
		time.Sleep(time.Hour)
		seen, err := c.promotion().Create(within(t, time.Minute), c.asked(&mlops.PromotionGates{
			Min: map[string]float64{"accuracy": 0.9}, Max: map[string]float64{"rmse": 3}, Relative: map[string]float64{"accuracy": 0},
			ServedFor: mlops.Duration(time.Hour),
		}), ignore)
		if err != nil {
			t.Fatal(err)
		}
		wantGates(t, seen.Spec.Promotion.Gates, "min.accuracy", "max.rmse", "relative.accuracy", "served_for")
	})
}

// TestChangedBytesAreRefused proves that bytes that changed where they are kept
// are found out, and that nothing is made of them.
func TestChangedBytesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t, 0)
		c.source = apply(t, c.stack, mlops.NounModelVersion, c.backend.ModelVersions(), versionOf("s3://bucket/rotten", nil, map[string]string{"memory_rot": ""}))
		before := c.to.platform.IDs()
		_, err := c.promotion().Create(within(t, time.Minute), c.asked(nil), ignore)
		wantRefusal(t, err, mlops.Invalid, "not those that were registered", "nothing was promoted", "sha256:")
		if diff := cmp.Diff(before, c.to.platform.IDs()); diff != "" {
			t.Errorf("something was made (-before +after):\n%s", diff)
		}
	})
}

// TestForeignBytesAreRefused proves that the target takes no other bytes than
// those that the evidence is of.
func TestForeignBytesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t, 0)
		spec := versionOf("s3://bucket/foreign", nil, nil)
		spec.Model, spec.Promotion = prodModel, &mlops.Promotion{From: c.source, Digest: "sha256:00"}
		_, err := over(c.to, mlops.NounModelVersion, c.to.backend.ModelVersions()).Create(within(t, time.Minute), spec, ignore)
		wantRefusal(t, err, mlops.Invalid, "sha256:00")
	})
}

// TestPromotionAgain proves that a promotion that was interrupted at any moment,
// and those that are made at once, are one version.
func TestPromotionAgain(t *testing.T) {
	for _, verb := range []string{"export", "create", "update"} {
		t.Run("interrupted at "+verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrossing(t, 2)
				ctx, cancel := context.WithCancel(t.Context())
				p := c.promotion()
				p.Source, p.Target = ending{c.backend, verb, cancel}, ending{c.to.backend, verb, cancel}
				if _, err := p.Create(ctx, c.asked(nil), ignore); !errors.Is(err, context.Canceled) {
					t.Fatalf("interrupted: %v", err)
				}
				seen, err := c.promotion().Create(within(t, time.Minute), c.asked(nil), ignore)
				if err != nil {
					t.Fatal(err)
				}
				if all := c.versions(t); len(all) != 1 || all[0].Ref != seen.Ref || seen.Spec.ArtifactURI != seen.Status.URI {
					t.Errorf("there are %d versions, want %s alone: %+v", len(all), seen.Ref, seen.Spec)
				}
			})
		})
	}
	t.Run("at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCrossing(t, 3)
			refs, errs := make([]mlops.ID, 4), make([]error, 4)
			var wg sync.WaitGroup
			for i := range refs {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 40 * time.Millisecond)
					seen, err := c.promotion().Create(within(t, time.Minute), c.asked(nil), ignore)
					refs[i], errs[i] = seen.Ref, err
				})
			}
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
			if all := c.versions(t); len(all) != 1 || len(slices.Compact(refs)) != 1 {
				t.Errorf("%q promoted, %d versions", refs, len(all))
			}
		})
	})
}

// ending is a platform in front of which somebody presses Ctrl-C when a verb was
// carried out.
type ending struct {
	mlops.Backend

	verb string
	end  context.CancelFunc
}

func (e ending) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return endingVersions{e.Backend.ModelVersions(), e}
}

type endingVersions struct {
	mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]

	ending ending
}

func (k endingVersions) over(ctx context.Context, verb string) error {
	if verb == k.ending.verb {
		k.ending.end()
	}
	return ctx.Err()
}

func (k endingVersions) Create(ctx context.Context, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	change, err := k.Kind.Create(ctx, spec)
	return change, errors.Join(err, k.over(ctx, "create"))
}

func (k endingVersions) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	change, err := k.Kind.Update(ctx, ref, spec)
	return change, errors.Join(err, k.over(ctx, "update"))
}

func (k endingVersions) Export(ctx context.Context, ref mlops.ID, directory string) (string, error) {
	exporter, _ := k.Kind.(mlops.Exporter)
	path, err := exporter.Export(ctx, ref, directory)
	return path, errors.Join(err, k.over(ctx, "export"))
}

// TestPromotionChanges proves that what is said of a promotion changes in place,
// that gates alone change nothing, and that another source makes a successor.
func TestPromotionChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t, 0)
		spec := c.asked(nil)
		first, err := c.promotion().Create(within(t, time.Minute), spec, ignore)
		if err != nil {
			t.Fatal(err)
		}
		spec.Description, spec.ApprovedBy = "changed", "sam"
		spec.Gates = &mlops.PromotionGates{Min: map[string]float64{"accuracy": 0.99}}
		second, err := c.promotion().Update(within(t, time.Minute), first.Ref, spec, ignore)
		if err != nil {
			t.Fatal(err)
		}
		if e := second.Spec.Promotion; second.Ref != first.Ref || second.Spec.Description != "changed" || e.ApprovedBy != "sam" || !e.At.Equal(first.Spec.Promotion.At) {
			t.Errorf("%s became %s: %+v", first.Ref, second.Ref, second.Spec)
		}
		spec.From = apply(t, c.stack, mlops.NounModelVersion, c.backend.ModelVersions(), versionOf("s3://bucket/newer", map[string]float64{"accuracy": 0.995}, nil))
		third, err := c.promotion().Update(within(t, time.Minute), second.Ref, spec, ignore)
		if err != nil {
			t.Fatal(err)
		}
		if third.Ref == second.Ref || third.Spec.Promotion.From != spec.From {
			t.Errorf("other bytes are still %s: %+v", third.Ref, third.Spec.Promotion)
		}
	})
}

// TestPromotionChain proves that what was promoted can be promoted on.
func TestPromotionChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t, 0)
		first, err := c.promotion().Create(within(t, time.Minute), c.asked(nil), ignore)
		if err != nil {
			t.Fatal(err)
		}
		model := apply(t, c.to, mlops.NounModel, c.to.backend.Models(), mlops.ModelSpec{Environment: prod, Name: "copy"})
		on := lifecycle.Promotion{Source: c.to.backend, Target: c.to.backend}
		second, err := on.Create(within(t, time.Minute), mlops.PromotionSpec{From: first.Ref, To: model}, ignore)
		if err != nil {
			t.Fatal(err)
		}
		if second.Status.Digest != first.Status.Digest || second.Spec.Promotion.By == "" {
			t.Errorf("promoted on as %+v", second)
		}
	})
}
