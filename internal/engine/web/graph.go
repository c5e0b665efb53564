package web

import (
	"slices"
	"unicode/utf8"
)

// The measures of a graph, in pixels.
const (
	nodeWidth  = 190
	nodeHeight = 48
	gapAcross  = 60
	gapDown    = 18
	margin     = 4
	mostRunes  = 23 // of a label; what is longer is cut
)

// graph is nodes in columns, each right of all that it follows from.
type graph struct {
	Title         string
	Width, Height int
	Nodes         []node
	Edges         []edge
}

// node is a box. Its place is given by arrange.
type node struct {
	Key, Label, Note, State, Link string
	Here                          bool // what the page is about
	X, Y, W, H                    int
	TextX, TextY, NoteY           int
}

// edge is a curve from one box to another.
type edge struct{ X1, Y1, X2, Y2, C1, C2 int }

// arrange places nodes. follows names, for each node's key, the keys of those
// that it follows from; unknown ones and those that would close a circle are left
// out. Nodes are given so that most stand behind what they follow from.
func arrange(title string, nodes []node, follows map[string][]string) *graph {
	g := &graph{Title: title, Nodes: nodes}
	column := columns(nodes, follows)
	rows := map[int]int{}
	index := map[string]int{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		index[n.Key] = i
		at := column[n.Key]
		*n = n.placed(margin+at*(nodeWidth+gapAcross), margin+rows[at]*(nodeHeight+gapDown))
		rows[at]++
		g.Width, g.Height = max(g.Width, n.X+nodeWidth+margin), max(g.Height, n.Y+nodeHeight+margin)
	}
	for _, n := range g.Nodes {
		for _, from := range follows[n.Key] {
			if i, ok := index[from]; ok && column[from] < column[n.Key] {
				g.Edges = append(g.Edges, between(g.Nodes[i], n))
			}
		}
	}
	return g
}

// columns says in which column each node stands: behind all that it follows from,
// and, if it follows from nothing, right before what follows from it.
func columns(nodes []node, follows map[string][]string) map[string]int {
	column := depths(nodes, follows)
	next := map[string]int{} // first column of what follows
	for _, n := range nodes {
		for _, from := range follows[n.Key] {
			if at, ok := next[from]; column[from] < column[n.Key] && (!ok || column[n.Key] < at) {
				next[from] = column[n.Key]
			}
		}
	}
	for key, at := range next {
		if column[key] == 0 {
			column[key] = at - 1
		}
	}
	return column
}

// depths counts, for each node, the longest way to it.
func depths(nodes []node, follows map[string][]string) map[string]int {
	known := map[string]bool{}
	for _, n := range nodes {
		known[n.Key] = true
	}
	column := map[string]int{}
	var depth func(key string, way []string) int
	depth = func(key string, way []string) int {
		if at, ok := column[key]; ok {
			return at
		}
		at := 0
		for _, from := range follows[key] {
			if known[from] && !slices.Contains(way, from) {
				at = max(at, depth(from, append(way, key))+1)
			}
		}
		column[key] = at
		return at
	}
	for _, n := range nodes {
		depth(n.Key, []string{n.Key})
	}
	return column
}

func (n node) placed(x, y int) node {
	const inset, line, second = 10, 20, 38
	n.X, n.Y, n.W, n.H = x, y, nodeWidth, nodeHeight
	n.TextX, n.TextY, n.NoteY = x+inset, y+line, y+second
	n.Label, n.Note = cut(n.Label), cut(n.Note)
	return n
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= mostRunes {
		return s
	}
	return string([]rune(s)[:mostRunes-1]) + "…"
}

func between(from, to node) edge {
	e := edge{X1: from.X + from.W, Y1: from.Y + from.H/2, X2: to.X, Y2: to.Y + to.H/2}
	half := (e.X2 - e.X1) / 2 //nolint:mnd // the middle
	e.C1, e.C2 = e.X1+half, e.X2-half
	return e
}
