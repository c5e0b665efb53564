package web

import (
	"fmt"
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// html is a picture in the reader's theme and width; nil where there is none.
func (c *chart) html() g.Node {
	if c == nil {
		return nil
	}
	return h.Picture(
		g.Map(c.Others, func(s source) g.Node { return h.Source(g.Attr("media", s.Media), h.SrcSet(s.Address), s.Size.nodes()) }),
		h.Img(h.Src(c.Address), h.Alt(c.Alt), c.Size.nodes()),
	)
}

func (s size) nodes() g.Node {
	return g.Group{h.Width(strconv.Itoa(s.Width)), h.Height(strconv.Itoa(s.Height))}
}

// html is a graph whose boxes are links; nil where there is none.
func (picture *graph) html() g.Node {
	if picture == nil {
		return nil
	}
	width, height := strconv.Itoa(picture.Width), strconv.Itoa(picture.Height)
	return scrolling(picture.Title, h.SVG(
		h.Class("graph"), g.Attr("viewBox", "0 0 "+width+" "+height), h.Width(width), h.Height(height),
		h.Role("group"), h.Aria("label", picture.Title),
		arrowhead(), g.Map(picture.Edges, edge.html), g.Map(picture.Nodes, node.html),
	))
}

// arrowhead is what edges end in.
func arrowhead() g.Node {
	return g.El("defs", g.El("marker",
		h.ID("tip"), g.Attr("viewBox", "0 0 8 8"), g.Attr("refX", "8"), g.Attr("refY", "4"),
		g.Attr("markerWidth", "7"), g.Attr("markerHeight", "7"), g.Attr("orient", "auto"),
		g.El("path", g.Attr("d", "M0 0 8 4 0 8z")),
	))
}

func (e edge) html() g.Node {
	curve := fmt.Sprintf("M%d %d C%d %d %d %d %d %d", e.X1, e.Y1, e.C1, e.Y1, e.C2, e.Y2, e.X2, e.Y2)
	return g.El("path", h.Class("edge"), g.Attr("d", curve), g.Attr("marker-end", "url(#tip)"))
}

func (n node) html() g.Node {
	if n.Link == "" {
		return n.box()
	}
	return h.A(href(n.Link), n.box())
}

func (n node) box() g.Node {
	class := "node " + n.State
	if n.Here {
		class += " here"
	}
	return g.El("g", h.Class(class),
		g.El("rect", at(n.X, n.Y), h.Width(strconv.Itoa(n.W)), h.Height(strconv.Itoa(n.H)), g.Attr("rx", "6")),
		g.El("text", at(n.TextX, n.TextY), g.Text(n.Label)),
		g.El("text", h.Class("note"), at(n.TextX, n.NoteY), g.Text(n.Note)),
		g.El("title", g.Text(n.Label+" "+n.Note+" "+n.State)),
	)
}

func at(x, y int) g.Node {
	return g.Group{g.Attr("x", strconv.Itoa(x)), g.Attr("y", strconv.Itoa(y))}
}
