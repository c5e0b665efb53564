package memory

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for title, looks := range map[string]int{"at once": 0, "after some looks": 3} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			mlopstest.Run(t, harness(Config{Looks: looks}))
		})
	}
}

// harness gives every test a platform of its own.
func harness(config Config) mlopstest.Harness {
	return mlopstest.Harness{
		Factory: Factory(),
		NewWorld: func(*testing.T) mlopstest.World {
			p := NewPlatform(config)
			return mlopstest.World{
				Open: func(t *testing.T, owner string) mlops.Backend {
					t.Helper()
					b, err := p.Factory().Open(t.Context(), mlops.Options{Owner: owner})
					if err != nil {
						t.Fatal(err)
					}
					return b
				},
				Vanish: func(_ *testing.T, _ mlops.Noun, ref mlops.ID) { p.Remove(ref) },
			}
		},
	}
}

// opened returns a platform and a backend on it, with an environment and a model.
func opened(t *testing.T, settings mlops.Settings) (*Platform, mlops.Backend, mlops.ID) {
	t.Helper()
	p := NewPlatform(Config{})
	b, err := p.Factory().Open(t.Context(), mlops.Options{Owner: "us", Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	env := mlops.EnvironmentSpec{ID: "memory/dev", Name: "dev", Stage: "dev", Target: mlops.Target{Backend: name}}
	if _, err := b.Environments().Create(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	model := mlops.ModelSpec{Environment: env.ID, Name: "churn"}
	if _, err := b.Models().Create(t.Context(), model); err != nil {
		t.Fatal(err)
	}
	return p, b, model.ID()
}

func TestLooksSetting(t *testing.T) {
	t.Parallel()
	p, b, model := opened(t, mlops.Settings{settingLooks: int64(2)})
	for i, want := range []mlops.Phase{mlops.PhasePending, mlops.PhasePending, mlops.PhaseReady} {
		seen, err := b.Models().Get(t.Context(), model)
		if err != nil || seen.Phase != want {
			t.Errorf("look %d: %q, %v; want %q", i, seen.Phase, err, want)
		}
	}
	if got := p.Calls()["get model"]; got != 3 {
		t.Errorf("%d looks counted, want 3", got)
	}
}

func TestWhims(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		label  string
		phase  mlops.Phase
		reason string
	}{
		{name: "stuck", label: "memory_stuck", phase: mlops.PhasePending},
		{name: "fails", label: "memory_fail", phase: mlops.PhaseFailed, reason: "because"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, b, _ := opened(t, nil)
			spec := mlops.ModelSpec{Environment: "memory/dev", Name: "odd", Labels: map[string]string{tt.label: "because"}}
			if _, err := b.Models().Create(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
			seen, err := b.Models().Get(t.Context(), spec.ID())
			if err != nil || seen.Phase != tt.phase || seen.Reason != tt.reason {
				t.Errorf("it is %q because %q, %v; want %q because %q", seen.Phase, seen.Reason, err, tt.phase, tt.reason)
			}
		})
	}
}

func TestDigestFollowsTheFile(t *testing.T) {
	t.Parallel()
	_, b, model := opened(t, nil)
	planner, ok := b.ModelVersions().(mlops.Planner[mlops.ModelVersionSpec])
	if !ok {
		t.Fatal("versions cannot be foretold")
	}
	path := filepath.Join(t.TempDir(), "model.bin")
	digest := func(content, uri string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := planner.Digest(t.Context(), mlops.ModelVersionSpec{Model: model, ArtifactURI: uri})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first, same, other := digest("one", path), digest("one", "file://"+path), digest("two", path)
	if first != same || first == other {
		t.Errorf("the digests are %s, %s and %s; want the first two equal and the third not", first, same, other)
	}
}

func TestDigestOfARunThatIsNotDone(t *testing.T) {
	t.Parallel()
	_, b, model := opened(t, nil)
	pipeline := mlops.PipelineSpec{
		Environment: "memory/dev", Name: "train",
		Steps: map[string]mlops.Step{"fit": {Command: []string{"true"}, Outputs: []string{"model"}}},
	}
	if _, err := b.Pipelines().Create(t.Context(), pipeline); err != nil {
		t.Fatal(err)
	}
	run := mlops.PipelineRunSpec{Pipeline: pipeline.ID(), Triggers: map[string]string{"memory_stuck": ""}}
	change, err := b.PipelineRuns().Create(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	planner, ok := b.ModelVersions().(mlops.Planner[mlops.ModelVersionSpec])
	if !ok {
		t.Fatal("versions cannot be foretold")
	}
	digest, err := planner.Digest(t.Context(), mlops.ModelVersionSpec{Model: model, Run: change.Ref, Output: "model"})
	if digest != "" || err != nil {
		t.Errorf("the digest of a run that goes on is %q, %v; want none", digest, err)
	}
}
