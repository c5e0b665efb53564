package web

import (
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// html is a page. Whatever words it shows are escaped by the library,
// which knows text and attributes; where links lead is seen to by href.
func (p page) html() g.Node {
	return h.Doctype(h.HTML(
		h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.Meta(h.Name("color-scheme"), h.Content("light dark")),
			h.TitleEl(g.Text(p.Title+" · MLOps engine")),
			h.Link(h.Rel("icon"), href(Root+"icon.svg")),
			h.Link(h.Rel("stylesheet"), href(Root+"style.css")),
		),
		h.Body(
			h.A(h.Class("skip"), h.Href("#main"), g.Text("Skip to the content")),
			h.Header(h.Nav(h.Aria("label", "Way back"), h.Ol(g.Map(p.Trail, func(c cell) g.Node { return h.Li(c.html()) })))),
			h.Main(h.ID("main"), p.heading(), g.Map(p.Sections, section.html)),
			h.Footer(h.P(
				g.Text("Read-only pages of the embedded engine. Times are UTC. "),
				h.A(href("/metrics"), g.Text("Metrics")),
			)),
		),
	))
}

// href leads to a path of this server, and nowhere else.
func href(path string) g.Node {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return h.Href("#")
	}
	return h.Href(path)
}

func (p page) heading() g.Node {
	return h.H1(
		g.Text(p.Title),
		g.If(p.Kind != "", g.Group{g.Text(" "), h.Small(g.Text(p.Kind))}),
		g.If(p.State != "", g.Group{g.Text(" "), badge(p.State).html()}),
	)
}

func (s section) html() g.Node {
	return h.Section(
		g.If(s.Title != "", h.H2(g.Text(s.Title))),
		g.If(s.Text != "", h.P(g.Text(s.Text))),
		g.If(len(s.Facts) > 0, h.Dl(g.Map(s.Facts, fact.html))),
		s.Chart.html(),
		s.Graph.html(),
		s.Table.html(),
		g.If(s.Log != "", h.Pre(h.TabIndex("0"), g.Text(s.Log))),
	)
}

func (f fact) html() g.Node {
	return h.Div(h.Dt(g.Text(f.Name)), h.Dd(f.Value.html()))
}

func (c cell) html() g.Node {
	switch {
	case c.Link != "":
		return h.A(href(c.Link), g.Text(c.Text))
	case c.State != "":
		return h.Span(h.Class("badge "+c.State), g.Text(c.Text))
	case c.Mono:
		return h.Code(g.Text(c.Text))
	}
	return g.Text(c.Text)
}

// html is a table, or the words that stand for an empty one; nil where there is
// none.
func (t *table) html() g.Node {
	if t == nil {
		return nil
	}
	shown := h.P(h.Class("empty"), g.Text(t.Empty))
	if len(t.Rows) > 0 {
		shown = scrolling(t.Caption, h.Table(
			h.Caption(g.Text(t.Caption)),
			h.THead(h.Tr(g.Map(t.Head, func(name string) g.Node { return h.Th(h.Scope("col"), g.Text(name)) }))),
			h.TBody(g.Map(t.Rows, row)),
		))
	}
	if t.Folded {
		return h.Details(h.Summary(g.Text("As a table")), shown)
	}
	return shown
}

// row is headed by its first cell.
func row(cells []cell) g.Node {
	var out g.Group
	for i, c := range cells {
		if i == 0 {
			out = append(out, h.Th(h.Scope("row"), c.html()))
			continue
		}
		out = append(out, h.Td(g.If(c.Num, h.Class("num")), c.html()))
	}
	return h.Tr(out)
}

// scrolling lets scroll by itself what may not fit into the window.
func scrolling(label string, what g.Node) g.Node {
	return h.Div(h.Class("wide"), h.TabIndex("0"), h.Role("region"), h.Aria("label", label), what)
}
