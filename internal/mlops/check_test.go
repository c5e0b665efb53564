package mlops

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPathString(t *testing.T) {
	t.Parallel()
	got := At("steps", Key("train"), "inputs", Key("x"), "list", 2).String()
	if want := `steps["train"].inputs["x"].list[2]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPathWithDoesNotShare(t *testing.T) {
	t.Parallel()
	base := At("a", "b")
	one, two := base.With("c"), base.With("d")
	if one.String() != "a.b.c" || two.String() != "a.b.d" {
		t.Errorf("got %s and %s", one, two)
	}
}

func TestCheckerKeepsSilentAboutUnknowns(t *testing.T) {
	t.Parallel()
	variant := At("variants", Key("a"))
	tests := []struct {
		name    string
		unknown []Path
		at      Path
		needs   []Path // nil for Add
		want    int
	}{
		{"known", nil, variant, nil, 1},
		{"itself", []Path{variant}, variant, nil, 0},
		{"above", []Path{At("variants")}, variant, nil, 0},
		{"below", []Path{variant.With("version")}, variant, nil, 0},
		{"beside", []Path{At("variants", Key("b"))}, variant, nil, 1},
		{"below, but not needed", []Path{variant.With("version")}, variant, []Path{variant.With("traffic")}, 1},
		{"needed", []Path{variant.With("traffic")}, At("name"), []Path{variant.With("traffic")}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker(tt.unknown...)
			if tt.needs == nil {
				c.Add(tt.at, "Wrong", "It is wrong.")
			} else {
				c.AddIf(tt.at, tt.needs, "Wrong", "It is wrong.")
			}
			if got := len(c.Problems()); got != tt.want {
				t.Errorf("%d problems, want %d", got, tt.want)
			}
		})
	}
}

func TestCheckerErr(t *testing.T) {
	t.Parallel()
	c := NewChecker()
	c.Warn(At("a"), "Odd", "It is odd.")
	if err := c.Err(); err != nil {
		t.Errorf("a warning is no error: %v", err)
	}
	c.Add(At("b"), "Wrong", "Use %d.", 1)
	err := c.Err()
	if CodeOf(err) != Invalid {
		t.Errorf("code %q", CodeOf(err))
	}
	if diff := cmp.Diff("invalid: b: Wrong: Use 1.", err.Error()); diff != "" {
		t.Error(diff)
	}
}

// paths lists where problems are, for tables.
func paths(problems []Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, p.Path.String())
	}
	return out
}
