package mlops

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAround(t *testing.T) {
	t.Parallel()
	edge := func(from, to ID) LineageEdge { return LineageEdge{From: from, To: to} }
	chain := []LineageEdge{
		edge("version", "endpoint"), edge("data", "run"), edge("pipeline", "run"), edge("run", "version"),
		edge("endpoint", "monitor"), edge("pipeline", "other run"), edge("other run", "other version"),
	}
	tests := []struct {
		name  string
		edges []LineageEdge
		from  []ID
		want  []ID
	}{
		{"the middle", chain, []ID{"version"}, []ID{"data", "pipeline", "run", "version", "endpoint", "monitor"}},
		{"the end", chain, []ID{"monitor"}, []ID{"data", "pipeline", "run", "version", "endpoint", "monitor"}},
		{"a beginning", chain, []ID{"data"}, []ID{"data", "run", "version", "endpoint", "monitor"}},
		{"two", chain, []ID{"data", "other version"}, []ID{"data", "pipeline", "other run", "run", "other version", "version", "endpoint", "monitor"}},
		{"alone", chain, []ID{"nobody"}, []ID{"nobody"}},
		{"a circle", []LineageEdge{edge("a", "b"), edge("b", "c"), edge("c", "a")}, []ID{"a"}, []ID{"a", "b", "c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := LineageGraph{Edges: tt.edges}
			known := map[ID]bool{}
			add := func(ids ...ID) {
				for _, id := range ids {
					if !known[id] {
						known[id] = true
						g.Nodes = append(g.Nodes, LineageNode{ID: id})
					}
				}
			}
			add(tt.from...)
			for _, e := range tt.edges {
				add(e.To, e.From)
			}
			got := []ID{}
			for _, n := range g.Around(tt.from...).Nodes {
				got = append(got, n.ID)
			}
			if tt.name == "a circle" { // which has no first one
				if len(got) != len(tt.want) {
					t.Errorf("got %v", got)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

// What came first stands first where nothing else tells.
func TestAroundIsSortedByTime(t *testing.T) {
	t.Parallel()
	g := LineageGraph{
		Nodes: []LineageNode{{ID: "a", At: time.Unix(3, 0)}, {ID: "b", At: time.Unix(1, 0)}, {ID: "c", At: time.Unix(2, 0)}, {ID: "z"}},
		Edges: []LineageEdge{{From: "z", To: "a"}, {From: "z", To: "b"}, {From: "z", To: "c"}},
	}
	var got []ID
	for _, n := range g.Around("z").Nodes {
		got = append(got, n.ID)
	}
	if diff := cmp.Diff([]ID{"z", "b", "c", "a"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
