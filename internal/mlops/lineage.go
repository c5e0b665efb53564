package mlops

import (
	"cmp"
	"slices"
	"time"
)

// LineageGraph is what came from what: datasets and pipelines, runs, versions,
// endpoints and monitors, across environments and backends.
type LineageGraph struct {
	Nodes []LineageNode
	Edges []LineageEdge
}

// LineageNode is one object of a LineageGraph.
type LineageNode struct {
	ID     ID
	Noun   Noun
	Detail string    // how it stands, in a few words
	Digest string    // of its bytes, where it has any
	At     time.Time // when it was made; zero where that is not known
	Gone   bool      // something refers to it, and it is not there any more, or out of reach
}

// LineageEdge says that To came from From.
type LineageEdge struct {
	From, To ID
	Relation string // of From to To, one of the relations
}

// The relations.
const (
	RelationTracks   = "tracks"         // experiment → pipeline
	RelationRan      = "ran as"         // pipeline → run
	RelationRead     = "was read by"    // dataset → run
	RelationMade     = "made"           // run → version, run → dataset
	RelationPromoted = "promoted to"    // version → version
	RelationServed   = "is served by"   // version → endpoint
	RelationBaseline = "is baseline of" // dataset → monitor, run → monitor
	RelationWatched  = "is watched by"  // endpoint → monitor
)

// Around returns what some objects came from, and what came from them. It is
// sorted: what comes first in a chain stands first.
func (g LineageGraph) Around(ids ...ID) LineageGraph {
	kept := map[ID]bool{}
	g.reach(ids, kept, func(e LineageEdge) (at, next ID) { return e.To, e.From })
	g.reach(ids, kept, func(e LineageEdge) (at, next ID) { return e.From, e.To })
	out := LineageGraph{
		Nodes: slices.DeleteFunc(slices.Clone(g.Nodes), func(n LineageNode) bool { return !kept[n.ID] }),
		Edges: slices.DeleteFunc(slices.Clone(g.Edges), func(e LineageEdge) bool { return !kept[e.From] || !kept[e.To] }),
	}
	out.sort()
	return out
}

// reach keeps what is reached from ids in one direction.
func (g LineageGraph) reach(ids []ID, kept map[ID]bool, step func(LineageEdge) (at, next ID)) {
	follow := map[ID][]ID{}
	for _, e := range g.Edges {
		at, next := step(e)
		follow[at] = append(follow[at], next)
	}
	seen := map[ID]bool{}
	for queue := slices.Clone(ids); len(queue) > 0; queue = queue[1:] {
		if at := queue[0]; !seen[at] {
			seen[at], kept[at] = true, true
			queue = append(queue, follow[at]...)
		}
	}
}

func (g LineageGraph) sort() {
	depth := g.depths()
	slices.SortFunc(g.Nodes, func(a, b LineageNode) int {
		return cmp.Or(cmp.Compare(depth[a.ID], depth[b.ID]), a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(g.Edges, func(a, b LineageEdge) int {
		return cmp.Or(cmp.Compare(depth[a.From], depth[b.From]), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Relation, b.Relation))
	})
}

// depths is the length of the longest chain that leads to each object. A graph
// of n objects has none longer than n, whatever somebody wrote into evidence.
func (g LineageGraph) depths() map[ID]int {
	depth := map[ID]int{}
	for range g.Nodes {
		deeper := false
		for _, e := range g.Edges {
			if d := depth[e.From] + 1; d > depth[e.To] && d <= len(g.Nodes) {
				depth[e.To], deeper = d, true
			}
		}
		if !deeper {
			break
		}
	}
	return depth
}
