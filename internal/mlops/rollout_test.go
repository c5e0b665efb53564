package mlops

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		rollout *Rollout
		want    []int64
	}{
		{"no rollout", nil, nil},
		{"all at once", &Rollout{Strategy: RolloutAllAtOnce}, nil},
		{"canary", &Rollout{Strategy: RolloutCanary}, []int64{10, 50}},
		{"canary of its own", &Rollout{Strategy: RolloutCanary, Steps: []int64{1, 5, 99}}, []int64{1, 5, 99}},
		{"linear", &Rollout{Strategy: RolloutLinear}, []int64{20, 40, 60, 80}},
		{"linear that does not divide", &Rollout{Strategy: RolloutLinear, Increment: 30}, []int64{30, 60, 90}},
		{"linear in one", &Rollout{Strategy: RolloutLinear, Increment: 99}, []int64{99}},
		{"blue and green", &Rollout{Strategy: RolloutBlueGreen}, []int64{100}},
		{"shadow", &Rollout{Strategy: RolloutShadow}, []int64{100}},
		{"shadow of its own", &Rollout{Strategy: RolloutShadow, Steps: []int64{25}}, []int64{25}},
		{"unknown", &Rollout{Strategy: "big_bang"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.rollout.Stages()); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	ms := func(n int) Duration { return Duration(time.Duration(n) * time.Millisecond) }
	measured := Figures{Requests: 200, Errors: 3, P50: ms(20), P95: ms(90), P99: ms(400)}
	tests := []struct {
		name    string
		gates   *Gates
		figures Figures
		want    []string // words of each broken gate
	}{
		{"no gates", nil, measured, nil},
		{"nothing limited", &Gates{}, measured, nil},
		{"at the limits", &Gates{MaxErrorPercent: new(1.5), MaxP50: ms(20), MaxP95: ms(90), MaxP99: ms(400)}, measured, nil},
		{"errors", &Gates{MaxErrorPercent: new(1.0)}, measured, []string{"1.50 % of 200 requests failed, more than max_error_percent = 1"}},
		{"no error allowed", &Gates{MaxErrorPercent: new(0.0)}, measured, []string{"max_error_percent = 0"}},
		{"median", &Gates{MaxP50: ms(19)}, measured, []string{"p50 of 200 requests was 20ms, more than max_p50 = 19ms"}},
		{"all at once", &Gates{MaxErrorPercent: new(1.0), MaxP95: ms(80), MaxP99: ms(100)}, measured, []string{"max_error_percent", "max_p95 = 80ms", "max_p99 = 100ms"}},
		{"no request", &Gates{MaxErrorPercent: new(0.0), MaxP50: ms(1)}, Figures{P50: ms(9)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.gates.Judge(tt.figures)
			if len(got) != len(tt.want) {
				t.Fatalf("broken are %q, want %d", got, len(tt.want))
			}
			for i, words := range tt.want {
				if !strings.Contains(got[i], words) {
					t.Errorf("broken is %q, want %q in it", got[i], words)
				}
			}
		})
	}
}

func TestEnough(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		gates *Gates
		want  bool
	}{
		{"no gates", nil, true},
		{"none needed", &Gates{}, true},
		{"just enough", &Gates{MinRequests: 10}, true},
		{"too few", &Gates{MinRequests: 11}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.gates.Enough(Figures{Requests: 10}); got != tt.want {
				t.Errorf("enough: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestKeepPrevious(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		rollout *Rollout
		want    time.Duration
	}{
		{"no rollout", nil, 0},
		{"silent", &Rollout{}, time.Minute},
		{"nothing kept", &Rollout{KeepPrevious: new(Duration(0))}, 0},
		{"an hour", &Rollout{KeepPrevious: new(Duration(time.Hour))}, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.rollout.Previous(time.Minute); got != tt.want {
				t.Errorf("kept for %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRolloutValidate(t *testing.T) {
	t.Parallel()
	of := func(r Rollout) Validator { return endpoint(func(s *ModelEndpointSpec) { s.Rollout = &r }) }
	gated := func(g Gates) Validator { return of(Rollout{Strategy: RolloutCanary, Gates: &g}) }
	second := Duration(time.Second)
	checkSpecs(t, []specCase{
		{"canary", of(Rollout{Strategy: RolloutCanary, Steps: []int64{1, 50, 99}, Bake: second}), "", ""},
		{"shadow", of(Rollout{Strategy: RolloutShadow, Steps: []int64{100}}), "", ""},
		{"gates", gated(Gates{MaxErrorPercent: new(0.0), MaxP50: second, MaxP95: second, MaxP99: 2 * second, MinRequests: 5}), "", ""},
		{"strategy", of(Rollout{Strategy: "canarry"}), "rollout.strategy", `Did you mean "canary"?`},
		{"steps of another strategy", of(Rollout{Strategy: RolloutLinear, Steps: []int64{10}}), "rollout.steps", "no steps of its own"},
		{"two shadows", of(Rollout{Strategy: RolloutShadow, Steps: []int64{10, 20}}), "rollout.steps", "one step"},
		{"all is no step", of(Rollout{Strategy: RolloutCanary, Steps: []int64{10, 100}}), "rollout.steps[1]", "from 1 to 99"},
		{"nothing is no step", of(Rollout{Strategy: RolloutCanary, Steps: []int64{0}}), "rollout.steps[0]", "from 1 to 99"},
		{"falling steps", of(Rollout{Strategy: RolloutCanary, Steps: []int64{50, 50}}), "rollout.steps[1]", "must be larger"},
		{"increment not used", of(Rollout{Strategy: RolloutCanary, Increment: 5}), "rollout.increment", "Only strategy"},
		{"increment too large", of(Rollout{Strategy: RolloutLinear, Increment: 100}), "rollout.increment", "from 1 to 99"},
		{"negative bake", of(Rollout{Strategy: RolloutCanary, Bake: -second}), "rollout.bake", "negative"},
		{"negative warmth", of(Rollout{Strategy: RolloutCanary, KeepPrevious: new(-second)}), "rollout.keep_previous", "negative"},
		{"gates never judged", of(Rollout{Strategy: RolloutAllAtOnce, Gates: &Gates{MaxP50: second}}), "rollout.gates", "blue_green"},
		{"percentage", gated(Gates{MaxErrorPercent: new(101.0)}), "rollout.gates.max_error_percent", "0 to 100"},
		{"limits crossed", gated(Gates{MaxP50: 2 * second, MaxP99: second}), "rollout.gates.max_p99", "below max_p50"},
		{"negative requests", gated(Gates{MinRequests: -1}), "rollout.gates.min_requests", "0 or more"},
		{"no smoke test to repeat", gated(Gates{SmokeTest: true}), "rollout.gates.smoke_test", "give the endpoint one"},
	})
}

func TestEndpointAccess(t *testing.T) {
	t.Parallel()
	checkSpecs(t, []specCase{
		{"token", endpoint(func(s *ModelEndpointSpec) { s.Access = AccessToken }), "", ""},
		{"unknown", endpoint(func(s *ModelEndpointSpec) { s.Access = "tokens" }), "access", `Did you mean "token"?`},
		{"half a schedule", endpoint(func(s *ModelEndpointSpec) { s.Schedule = &UpTime{Up: "0 8 * * *"} }), "schedule", "both up and down"},
	})
}

func TestEndpointUses(t *testing.T) {
	t.Parallel()
	s := endpoint(func(s *ModelEndpointSpec) {
		s.Rollout = &Rollout{Strategy: RolloutShadow, Gates: &Gates{}, KeepPrevious: new(Duration(0))}
		s.Schedule, s.Access, s.DeletionProtection = &UpTime{}, AccessToken, true
	})
	wantUses(t, s, map[Feature]string{
		FeatureEndpointSplit: `variants["b"].traffic`, FeatureEndpointShadow: "rollout.strategy", FeatureEndpointGates: "rollout.gates",
		FeatureEndpointKeepPrevious: "rollout.keep_previous", FeatureEndpointSchedule: "schedule", FeatureEndpointToken: "access",
		FeatureEndpointProtect: "deletion_protection",
	})
	s = endpoint(func(s *ModelEndpointSpec) { s.Rollout, s.Access = &Rollout{Strategy: "unknown"}, AccessOpen })
	wantUses(t, s, map[Feature]string{FeatureEndpointSplit: `variants["b"].traffic`})
}

// wantUses insists on the features asked for, and on where. Of a feature asked
// for twice the last place counts.
func wantUses(t *testing.T, spec FeatureUser, want map[Feature]string) {
	t.Helper()
	got := map[Feature]string{}
	for _, use := range spec.Uses() {
		got[use.Feature] = use.Path.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

// specCase is a spec, and the problem that it should have: none if path and
// words are empty.
type specCase struct {
	name  string
	spec  Validator
	path  string
	words string
}

func checkSpecs(t *testing.T, tests []specCase) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker()
			tt.spec.Validate(c)
			if tt.words == "" && len(c.Problems()) == 0 {
				return
			}
			for _, p := range c.Problems() {
				if tt.words != "" && p.Path.String() == tt.path && strings.Contains(p.Error(), tt.words) {
					return
				}
			}
			t.Errorf("problems are %v, want one at %q with %q", c.Problems(), tt.path, tt.words)
		})
	}
}
