package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		nodes   []string
		follows map[string][]string
		want    map[string]int // column
		edges   int
	}{
		{"none", nil, nil, map[string]int{}, 0},
		{"chain", []string{"a", "b", "c"}, map[string][]string{"b": {"a"}, "c": {"b"}}, map[string]int{"a": 0, "b": 1, "c": 2}, 2},
		{"the longest way counts", []string{"a", "b", "c"}, map[string][]string{"b": {"a"}, "c": {"a", "b"}}, map[string]int{"a": 0, "b": 1, "c": 2}, 3},
		{"in any order", []string{"c", "b", "a"}, map[string][]string{"b": {"a"}, "c": {"b"}}, map[string]int{"a": 0, "b": 1, "c": 2}, 2},
		{"circle", []string{"a", "b"}, map[string][]string{"a": {"b"}, "b": {"a"}}, map[string]int{"a": 1, "b": 0}, 1},
		{"itself", []string{"a"}, map[string][]string{"a": {"a"}}, map[string]int{"a": 0}, 0},
		{"a late source", []string{"a", "b", "c", "late"}, map[string][]string{"b": {"a"}, "c": {"b", "late"}}, map[string]int{"a": 0, "b": 1, "c": 2, "late": 1}, 3},
		{"unknown", []string{"a"}, map[string][]string{"a": {"x"}}, map[string]int{"a": 0}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var nodes []node
			for _, key := range tt.nodes {
				nodes = append(nodes, node{Key: key, Label: key})
			}
			g := arrange("Test", nodes, tt.follows)
			got := map[string]int{}
			places := map[[2]int]bool{}
			for _, n := range g.Nodes {
				got[n.Key] = (n.X - margin) / (nodeWidth + gapAcross)
				if places[[2]int{n.X, n.Y}] {
					t.Errorf("%s lies on another", n.Key)
				}
				places[[2]int{n.X, n.Y}] = true
				if n.X+n.W > g.Width || n.Y+n.H > g.Height {
					t.Errorf("%s is outside", n.Key)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("columns (-want +got):\n%s", d)
			}
			if len(g.Edges) != tt.edges {
				t.Errorf("%d edges, want %d", len(g.Edges), tt.edges)
			}
		})
	}
}
