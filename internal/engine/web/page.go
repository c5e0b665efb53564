package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// page is one page.
type page struct {
	Title    string
	Kind     string // noun in words
	Trail    []cell
	State    string
	Sections []section
}

// section is one part of a page. What is empty is left out.
type section struct {
	Title string
	Text  string
	Facts []fact
	Chart *chart
	Graph *graph
	Table *table
	Log   string
}

// fact is one named value.
type fact struct {
	Name  string
	Value cell
}

// cell is a value in a table or list.
type cell struct {
	Text  string
	Link  string // path
	State string // makes it a badge; one of the words that style.css colours
	Mono  bool
	Num   bool
}

// table has a caption for those who do not see what is around it.
type table struct {
	Caption string
	Head    []string
	Rows    [][]cell
	Empty   string // what is said where there are no rows
	Folded  bool   // behind a picture of the same
}

// write renders a page.
func (p page) write(w http.ResponseWriter, status int) error {
	var b bytes.Buffer
	if err := p.html().Render(&b); err != nil {
		return fmt.Errorf("render %q: %w", p.Title, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a reader who left cannot be told
	return nil
}

// text is a plain cell.
func text(s string) cell { return cell{Text: s} }

// number is a cell with a number that lines up with others.
func number[N int | int64 | float64](n N) cell { return cell{Text: fmt.Sprint(n), Num: true} }

// measured is a cell with a number of few digits; none where there is none.
func measured(v *float64) cell {
	if v == nil {
		return cell{Text: "–", Num: true}
	}
	return cell{Text: fmt.Sprintf("%.4g", *v), Num: true}
}

// mono is a cell with something to be copied.
func mono(s string) cell { return cell{Text: s, Mono: true} }

// badge is a cell with a state.
func badge(state string) cell { return cell{Text: strings.ReplaceAll(state, "_", " "), State: state} }

// digest is a content digest, shortened.
func digest(s string) cell {
	short := strings.TrimPrefix(s, "sha256:")
	return mono(short[:min(12, len(short))])
}

// when is a time to the second, UTC.
func when(t time.Time) cell {
	if t.IsZero() {
		return text("–")
	}
	return cell{Text: t.UTC().Format("2006-01-02 15:04:05"), Num: true}
}

// took is a span of time; one that has no end yet lasts until now.
func took(from, until time.Time) cell {
	if from.IsZero() {
		return cell{Text: "–", Num: true}
	}
	if until.IsZero() {
		until = time.Now()
	}
	return cell{Text: until.Sub(from).Round(10 * time.Millisecond).String(), Num: true}
}

// linkTo is a cell that leads to an object's page.
func linkTo(id mlops.ID, words string) cell {
	if id == "" {
		return text("–")
	}
	return cell{Text: words, Link: pathOf("", id)}
}

// pathOf is the path of a page, chart or graph about an object. IDs are escaped
// already.
func pathOf(kind string, id mlops.ID) string {
	if kind != "" {
		kind += "/"
	}
	return (&url.URL{Path: Root + kind}).String() + string(id)
}

// phase is the badge of an object.
func phase(p mlops.Phase) string { return string(p) }
