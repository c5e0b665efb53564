package mlopstest

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Harness is what the suite needs to know of a backend.
type Harness struct {
	Factory mlops.Factory
	// NewWorld makes an empty platform that only this test uses. It cleans up by
	// t.Cleanup, and may be called from parallel tests.
	NewWorld func(t *testing.T) World
	// Patience is how long anything may take to settle; a minute if zero.
	Patience time.Duration
	// Nouns are those that the platform has, where it has not all: the rules and
	// the features of these alone are run.
	Nouns []mlops.Noun
}

// covers reports whether the rules of a noun are to be run.
func (h Harness) covers(n mlops.Noun) bool { return h.Nouns == nil || slices.Contains(h.Nouns, n) }

// World is one isolated platform.
type World struct {
	// Open opens the platform in the name of an owner. All that it opens is the
	// same platform.
	Open func(t *testing.T, owner string) mlops.Backend

	Prefix string       // put before every name, where worlds share a platform
	Target mlops.Target // of every environment; the backend's name is filled in
	Scope  []string     // of every environment's ID

	// The rest may be left out.

	// Command serves a version of format custom; it listens on $PORT and answers
	// any POST with 200.
	Command []string
	// Image serves a version of format custom, where the platform has no servers
	// by command; it is then used instead of Command.
	Image   string
	byImage bool // versions of format custom are served by Image
	// Machine is a machine type of the platform's own.
	Machine string
	// Definition is a pipeline in the platform's own language.
	Definition string
	// Overrides are by noun what only the platform has, in its own requests.
	Overrides map[mlops.Noun]string
	// Artifact keeps content where the platform can read it and returns its URI;
	// a file in a temporary directory by default.
	Artifact func(t *testing.T, content string) string
	// Pipeline adapts the suite's pipeline, which is of shell commands.
	Pipeline func(mlops.PipelineSpec) mlops.PipelineSpec
	// Adapt changes a sample of a feature to what the platform takes of it, where
	// it has limits of its own: a canary of one step, a schedule by the hour.
	Adapt func(spec any) any
	// Break makes an endpoint's spec one that never becomes ready; by default
	// with a smoke test that cannot pass.
	Break func(mlops.ModelEndpointSpec) mlops.ModelEndpointSpec
	// Vanish removes an object behind the backend's back; through another owner's
	// backend by default.
	Vanish func(t *testing.T, noun mlops.Noun, ref mlops.ID)
}

// Run runs every rule, each in a world of its own.
func Run(t *testing.T, h Harness) {
	t.Helper()
	h.Patience = cmp.Or(h.Patience, time.Minute)
	rules := reflect.ValueOf(suite{})
	for i := range rules.NumMethod() {
		title, isRule := strings.CutPrefix(rules.Type().Method(i).Name, "Test")
		if !isRule {
			continue
		}
		t.Run(title, func(t *testing.T) { runRule(t, h, rules.Method(i).Interface()) })
	}
}

// runRule runs one rule: once, for every noun, or for every feature.
func runRule(t *testing.T, h Harness, rule any) {
	t.Helper()
	t.Parallel()
	switch rule := rule.(type) {
	case func(*lab):
		if h.Nouns == nil { // it may need any
			rule(newLab(t, h))
		}
	case func(*lab, noun):
		for _, n := range nouns() {
			if h.covers(n.name) {
				inLab(t, h, string(n.name), func(l *lab) { rule(l, n) })
			}
		}
	case func(*lab, sample):
		for _, s := range samples() {
			if h.covers(s.noun) && (s.uses == "" || h.covers(s.uses)) {
				inLab(t, h, string(s.feature), func(l *lab) { rule(l, s) })
			}
		}
	default:
		t.Fatalf("%T is not the form of a rule", rule)
	}
}

// inLab runs a part of a rule in a world of its own.
func inLab(t *testing.T, h Harness, title string, part func(*lab)) {
	t.Helper()
	t.Run(title, func(t *testing.T) {
		t.Parallel()
		part(newLab(t, h))
	})
}

// suite holds the rules.
type suite struct{}

// artifactFile keeps content in a file.
func artifactFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.bin")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file://" + filepath.ToSlash(path)
}

// noOverrides are of a request that no platform has, for those without overrides.
const noOverrides = `{"Request": {"Member": true}}`

// breakBySmokeTest asks for an answer that no server gives.
func breakBySmokeTest(spec mlops.ModelEndpointSpec) mlops.ModelEndpointSpec {
	spec.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 418, Timeout: mlops.Duration(5 * time.Second)}
	return spec
}

// complete fills in what a world left out.
func (w World) complete(h Harness, open mlops.Backend) World {
	w.Target.Backend = h.Factory.Name
	if w.Target.Settings == nil {
		w.Target.Settings = mlops.Settings{}
	}
	w.byImage = w.Command == nil && w.Image != ""
	if w.Command == nil {
		w.Command = []string{"serve"}
	}
	if w.Image == "" {
		w.Image = "registry.example.com/serve:1"
	}
	if w.Machine == "" {
		w.Machine = "standard"
	}
	if w.Definition == "" {
		w.Definition = `{"steps": []}`
	}
	overrides := map[mlops.Noun]string{mlops.NounModelVersion: noOverrides, mlops.NounModelEndpoint: noOverrides, mlops.NounMonitor: noOverrides}
	maps.Copy(overrides, w.Overrides)
	w.Overrides = overrides
	if w.Artifact == nil {
		w.Artifact = artifactFile
	}
	if w.Pipeline == nil {
		w.Pipeline = func(s mlops.PipelineSpec) mlops.PipelineSpec { return s }
	}
	if w.Adapt == nil {
		w.Adapt = func(spec any) any { return spec }
	}
	if w.Break == nil {
		w.Break = breakBySmokeTest
	}
	if w.Vanish == nil {
		w.Vanish = vanishBy(open)
	}
	return w
}

// vanishBy removes objects by another hand's Delete.
func vanishBy(b mlops.Backend) func(*testing.T, mlops.Noun, mlops.ID) {
	return func(t *testing.T, name mlops.Noun, ref mlops.ID) {
		t.Helper()
		if err := nounOf(name).kind(b).Delete(t.Context(), ref); err != nil {
			t.Fatal(fmt.Errorf("removing %s out of band: %w", ref, err))
		}
	}
}
