package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResultsAreJudged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		one  result
		want bool
	}{
		{"at most, within", atMost("a", 2, "ms", 2), true},
		{"at most, beyond", atMost("a", 2.1, "ms", 2), false},
		{"at least, within", atLeast("a", 0.6, "x", 0.6), true},
		{"at least, beyond", atLeast("a", 0.5, "x", 0.6), false},
		{"for comparison", figure("a", 1e9, "s"), true},
		{"not measured", missing("a", "no nginx"), true},
		{"broken off", failed("a", errors.New("no engine")), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := (results{figure("b", 1, "s"), tt.one}).ok(); got != tt.want {
				t.Errorf("ok is %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	rs := results{
		atMost("start", 35.4, "ms", 150).because("of 15"),
		atLeast("throughput", 0.5123, "x", 0.6),
		figure("rate", 3408.7, "requests/s"),
		missing("nginx", "not installed"),
		failed("plan", errors.New("exit status 1\nand a long text")),
	}
	if err := rs.table(&b); err != nil {
		t.Fatal(err)
	}
	want := `
NAME        VALUE  UNIT        BUDGET  OK   NOTE
start       35.4   ms          <= 150  yes  of 15
throughput  0.512  x           >= 0.6  NO
rate        3409   requests/s  -       -
nginx       -      -           -       -    not measured: not installed
plan        -      -           -       NO   failed: exit status 1
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bench.json")
	if err := (results{atMost("start", 35, "ms", 150), missing("nginx", "not installed")}).write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"<= 150"`) {
		t.Errorf("the budget is not legible in %s", text)
	}
	var got []map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"name": "start", "value": 35.0, "unit": "ms", "budget": "<= 150", "ok": true},
		{"name": "nginx", "value": nil, "unit": "", "budget": "", "ok": nil, "note": "not measured: not installed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
