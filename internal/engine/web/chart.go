package web

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/go-analyze/charts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The size of every chart, in pixels.
const (
	chartWidth  = 900
	chartHeight = 260
)

// chart is a picture on a page, by where it is drawn.
type chart struct {
	Light, Dark, Alt string
	Width, Height    int
}

func chartOf(name string, id mlops.ID, alt string) *chart {
	src := pathOf("chart/"+name, id)
	return &chart{Light: src + "?theme=light", Dark: src + "?theme=dark", Alt: alt, Width: chartWidth, Height: chartHeight}
}

// plot is lines over time. Values has a line for each name, with NaN where there
// is nothing.
type plot struct {
	Names  []string
	Times  []time.Time
	Values [][]float64
	Unit   string
	Limit  *float64 // drawn as a line of its own
}

// drawChart answers with a picture.
func (c Config) drawChart(w http.ResponseWriter, r *http.Request) error {
	id := mlops.ID(r.PathValue("id"))
	plots := map[string]func(*http.Request, mlops.ID) (plot, error){
		"requests": c.plotRequests, "latency": c.plotLatency, "share": c.plotShare, "drift": c.plotDrift,
	}
	values, ok := plots[r.PathValue("name")]
	if !ok {
		return mlops.NewError(mlops.NotFound, errors.New("there is no such chart"))
	}
	p, err := values(r, id)
	if err != nil {
		return err
	}
	svg, err := p.draw(r.URL.Query().Get("theme") == "dark")
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
func (p plot) draw(dark bool) ([]byte, error) {
	names, values := p.Names, slices.Clone(p.Values)
	if p.Limit != nil {
		line := make([]float64, len(p.Times))
		for i := range line {
			line[i] = *p.Limit
		}
		names, values = append(slices.Clone(names), "threshold"), append(values, line)
	}
	for i, line := range values {
		values[i] = blanked(line)
	}
	opt := charts.NewLineChartOptionWithData(values)
	opt.Theme = theme(dark)
	opt.XAxis.Labels = labels(p.Times)
	opt.Legend.SeriesNames = names
	opt.LineStrokeWidth = 2
	opt.Padding = charts.NewBox(10, 10, 20, 10)
	opt.YAxis = []charts.YAxisOption{{Title: p.Unit, Min: new(0.0)}}
	painter := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: chartWidth, Height: chartHeight})
	if err := painter.LineChart(opt); err != nil {
		return nil, err
	}
	return painter.Bytes()
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

// theme has the colours of style.css; those of the lines differ for people who
// see few colours, too.
func theme(dark bool) charts.ColorPalette {
	base, ground := charts.ThemeLight, "#ffffff"
	series := []string{"#0b57d0", "#b3541e", "#12703a", "#7b3fb5", "#a4161a", "#3b6f73"}
	if dark {
		base, ground = charts.ThemeDark, "#14171b"
		series = []string{"#8ab4f8", "#f3a87b", "#8fdcaa", "#cba6f7", "#ff9d98", "#9ad3d6"}
	}
	colors := make([]charts.Color, len(series))
	for i, hex := range series {
		colors[i] = charts.ParseColor(hex)
	}
	return charts.GetTheme(base).WithBackgroundColor(charts.ParseColor(ground)).WithSeriesColors(colors)
}

// labels writes times with their day only where there are several.
func labels(times []time.Time) []string {
	form := "15:04"
	if n := len(times); n > 1 && times[n-1].Sub(times[0]) > 24*time.Hour {
		form = "01-02 15:04"
	}
	out := make([]string, len(times))
	for i, t := range times {
		out[i] = t.UTC().Format(form)
	}
	return out
}
