package lifecycle

import (
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// served is a variant of a version with so much traffic.
func served(version string, traffic int64) mlops.Variant {
	return mlops.Variant{Version: mlops.ID("memory/dev/models/m/versions/" + version), Traffic: traffic}
}

func TestMixture(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 63)
	tests := []struct {
		name     string
		from, to map[string]mlops.Variant
		percent  int64
		want     map[string]int64 // traffic by name
		fresh    []string
	}{
		{
			name: "one for one", from: map[string]mlops.Variant{"main": served("1", 100)}, to: map[string]mlops.Variant{"main": served("2", 100)},
			percent: 10, want: map[string]int64{"main": 90, "main-next": 10}, fresh: []string{"main-next"},
		},
		{
			name:    "one stays",
			from:    map[string]mlops.Variant{"a": served("1", 90), "b": served("2", 10)},
			to:      map[string]mlops.Variant{"a": served("1", 50), "b": served("3", 50)},
			percent: 50, want: map[string]int64{"a": 70, "b": 5, "b-next": 25}, fresh: []string{"b-next"},
		},
		{
			name: "renamed", from: map[string]mlops.Variant{"old": served("1", 100)}, to: map[string]mlops.Variant{"new": served("2", 100)},
			percent: 100, want: map[string]int64{"old": 0, "new-next": 100}, fresh: []string{"new-next"},
		},
		{
			name: "name taken", from: map[string]mlops.Variant{"main": served("1", 60), "main-next": served("2", 40)},
			to:      map[string]mlops.Variant{"main": served("3", 100)},
			percent: 50, want: map[string]int64{"main": 30, "main-next": 20, "main-next-2": 50}, fresh: []string{"main-next-2"},
		},
		{
			name: "longest name", from: map[string]mlops.Variant{long: served("1", 100)}, to: map[string]mlops.Variant{long: served("2", 100)},
			percent: 50, want: map[string]int64{long: 50, long[:58] + "-next": 50}, fresh: []string{long[:58] + "-next"},
		},
		{
			name: "nothing new", from: map[string]mlops.Variant{"a": served("1", 90), "b": served("2", 10)},
			to:      map[string]mlops.Variant{"a": served("1", 50), "b": served("2", 50)},
			percent: 50, want: map[string]int64{"a": 70, "b": 30},
		},
		{
			name: "new without traffic", from: map[string]mlops.Variant{"a": served("1", 100)},
			to:      map[string]mlops.Variant{"a": served("1", 100), "b": served("2", 0)},
			percent: 50, want: map[string]int64{"a": 100, "b-next": 0},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := mixtureOf(tt.from, tt.to)
			got := map[string]int64{}
			for name, v := range m.at(tt.percent) {
				got[name] = v.Traffic
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("traffic (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.fresh, m.fresh()); diff != "" {
				t.Errorf("new variants (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPercentsStayWhole(t *testing.T) {
	t.Parallel()
	err := quick.Check(func(a, b, c, percent uint8) bool {
		x, p := int64(a)%101, int64(percent)%101
		y := int64(b) % (101 - x)
		from := map[string]mlops.Variant{"a": served("1", x), "b": served("2", y), "c": served("3", 100-x-y)}
		z := int64(c) % 101
		m := mixtureOf(from, map[string]mlops.Variant{"a": served("4", z), "d": served("5", 100-z)})
		sum := int64(0)
		for _, v := range m.at(p) {
			if v.Traffic < 0 {
				return false
			}
			sum += v.Traffic
		}
		return sum == 100
	}, nil)
	if err != nil {
		t.Error(err)
	}
}
