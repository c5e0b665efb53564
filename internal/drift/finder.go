package drift

import "sort"

// cells is how many cells of equal width a finder has.
const cells = 4096

// finder finds the bin of a value. It does what a binary search of the edges
// does, several times as fast: a cell of equal width says between which few of them
// to search.
type finder struct {
	edges       []float64
	low, scale  float64
	upTo        [cells + 1]uint16 // edges in all cells before this one
	isOneSearch bool              // the edges are too few, or too far apart, for cells
}

func newFinder(edges []float64) *finder {
	f := &finder{edges: edges, isOneSearch: true}
	const few, tail = 16, 100 // outliers must not make the cells wide
	n := len(edges)
	if n < few {
		return f
	}
	f.low = edges[n/tail]
	f.scale = (cells - 2) / (edges[n-1-n/tail] - f.low) //nolint:mnd // the first and the last cell are open
	if f.isOneSearch = f.scale <= 0 || finite(f.scale) != f.scale; f.isOneSearch {
		return f
	}
	for _, edge := range edges {
		f.upTo[f.cell(edge)+1]++
	}
	for i := range cells {
		f.upTo[i+1] += f.upTo[i]
	}
	return f
}

// cell never falls where v rises, which is all that finding depends on.
func (f *finder) cell(v float64) int {
	return int(min(max((v-f.low)*f.scale+1, 0), cells-1))
}

// find returns the first bin whose upper end v does not exceed.
func (f *finder) find(v float64) int {
	if f.isOneSearch {
		return sort.SearchFloat64s(f.edges, v)
	}
	cell := f.cell(v)
	at, end := int(f.upTo[cell]), int(f.upTo[cell+1])
	const few = 8
	if end-at > few {
		return at + sort.SearchFloat64s(f.edges[at:end], v)
	}
	for at < end && f.edges[at] < v {
		at++
	}
	return at
}
