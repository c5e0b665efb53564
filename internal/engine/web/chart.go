package web

import (
	"errors"
	"html"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-analyze/charts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	fewPoints = 40
	digits    = 4 // of a number on the scale
)

// size is that of a chart, in pixels, and how many times it has room for.
type size struct{ Width, Height, times int }

// sizes by what a chart's address calls them: a wide one made small could not be
// read on a phone.
func sizes() map[string]size {
	return map[string]size{"wide": {900, 260, 7}, "narrow": {400, 260, 4}}
}

// chart is a picture on a page: where it is drawn, and where for other windows.
type chart struct {
	Address, Alt string
	Size         size
	Others       []source
}

type source struct {
	Media, Address string
	Size           size
}

func chartOf(name string, id mlops.ID, alt string, query url.Values) *chart {
	at := func(theme, width string) string {
		q := maps.Clone(query)
		if q == nil {
			q = url.Values{}
		}
		q.Set("theme", theme)
		q.Set("size", width)
		return pathOf("chart/"+name, id) + "?" + q.Encode()
	}
	const dark, small = "(prefers-color-scheme: dark)", "(max-width: 700px)"
	wide, narrow := sizes()["wide"], sizes()["narrow"]
	return &chart{Address: at("light", "wide"), Alt: alt, Size: wide, Others: []source{
		{dark + " and " + small, at("dark", "narrow"), narrow},
		{small, at("light", "narrow"), narrow},
		{dark, at("dark", "wide"), wide},
	}}
}

// plot is lines over time. Values has a line for each name, with NaN where there
// is nothing.
type plot struct {
	Names  []string
	Times  []time.Time
	Values [][]float64
	Unit   string
	Limit  *float64 // drawn as a line of its own
	Most   *float64 // end of the scale; nil lets the values decide
}

// drawChart answers with a picture.
func (c Config) drawChart(w http.ResponseWriter, r *http.Request) error {
	id := mlops.ID(r.PathValue("id"))
	plots := map[string]func(*http.Request, mlops.ID) (plot, error){
		"requests": c.plotRequests, "errors": c.plotErrors, "latency": c.plotLatency, "share": c.plotShare, "drift": c.plotDrift,
	}
	values, ok := plots[r.PathValue("name")]
	if !ok {
		return mlops.NewError(mlops.NotFound, errors.New("there is no such chart"))
	}
	p, err := values(r, id)
	if err != nil {
		return err
	}
	wanted, ok := sizes()[r.URL.Query().Get("size")]
	if !ok {
		wanted = sizes()["wide"]
	}
	svg, err := p.draw(r.URL.Query().Get("theme") == "dark", wanted)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // of the picture itself
	_, _ = w.Write(svg)                                                               //nolint:gosec // a picture, drawn here; a reader who left cannot be told
	return nil
}

// draw renders the lines as SVG.
func (p plot) draw(dark bool, as size) ([]byte, error) {
	names, values := p.Names, slices.Clone(p.Values)
	if p.Limit != nil {
		line := make([]float64, len(p.Times))
		for i := range line {
			line[i] = *p.Limit
		}
		names, values = append(slices.Clone(names), "threshold"), append(values, line)
	}
	least := least(values)
	for i, line := range values {
		values[i] = blanked(line)
	}
	opt := charts.NewLineChartOptionWithData(values)
	opt.Theme = theme(dark, len(p.Names), p.Limit != nil)
	opt.XAxis.Labels, opt.XAxis.LabelCount = labels(p.Times), min(as.times, max(1, len(p.Times)))
	opt.XAxis.BoundaryGap = new(true)
	opt.Symbol.Shape = charts.SymbolNone
	if len(p.Times) <= fewPoints { // else a single one is no line
		opt.Symbol.Shape = charts.SymbolDot
	}
	opt.Legend.SeriesNames = legible(names)
	opt.LineStrokeWidth = 2
	opt.Padding = charts.NewBox(10, 10, 20, 10)
	opt.YAxis = []charts.YAxisOption{{Title: legible([]string{p.Unit})[0], Min: &least, Max: p.Most}}
	opt.ValueFormatter = func(v float64) string { return strconv.FormatFloat(v, 'g', digits, 64) }
	if p.Limit != nil {
		opt.SeriesList[len(values)-1].Symbol.Shape = charts.SymbolNone
	}
	if p.Most != nil {
		opt.YAxis[0].LabelCount = 6 // 0 to 100 in steps of 20
	}
	painter := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: as.Width, Height: as.Height})
	if err := painter.LineChart(opt); err != nil {
		return nil, err
	}
	return painter.Bytes()
}

// legible makes names fit to stand in a picture: the library writes them as they
// are.
func legible(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		printable := strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return unicode.ReplacementChar
			}
			return r
		}, name)
		out[i] = html.EscapeString(cut(printable))
	}
	return out
}

func blanked(line []float64) []float64 {
	out := slices.Clone(line)
	for i, v := range out {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out[i] = charts.GetNullValue()
		}
	}
	return out
}

// least is where the scale begins: at zero, unless there is less.
func least(values [][]float64) float64 {
	least := 0.0
	for _, line := range values {
		for _, v := range line {
			if v < least && !math.IsInf(v, 0) { // NaN is not less
				least = v
			}
		}
	}
	return least
}

// theme has the colours of style.css; those of the lines differ for people who
// see few colours, too. A limit, which comes last, has the colour of what is bad.
func theme(dark bool, lines int, limited bool) charts.ColorPalette {
	base, ground := charts.ThemeLight, "#ffffff"
	series := []string{"#0b57d0", "#b3541e", "#12703a", "#7b3fb5", "#3b6f73"}
	limit := "#a4161a"
	if dark {
		base, ground = charts.ThemeDark, "#14171b"
		series = []string{"#8ab4f8", "#f3a87b", "#8fdcaa", "#cba6f7", "#9ad3d6"}
		limit = "#ff9d98"
	}
	var colors []charts.Color
	for i := range max(1, lines) {
		colors = append(colors, charts.ParseColor(series[i%len(series)]))
	}
	if limited {
		colors = append(colors, charts.ParseColor(limit))
	}
	// The first call keeps the last one from writing into what all pictures share.
	return charts.GetTheme(base).WithSeriesTrendColors(slices.Clone(colors)).WithBackgroundColor(charts.ParseColor(ground)).WithSeriesColors(colors)
}

// labels writes times as short as they can be told apart.
func labels(times []time.Time) []string {
	const days = 2
	form := "15:04"
	if n := len(times); n > 1 && times[n-1].Sub(times[0]) > days*24*time.Hour {
		form = "Jan 2"
	}
	out := make([]string, len(times))
	for i, t := range times {
		out[i] = t.UTC().Format(form)
	}
	return out
}
