package web

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ask makes one request.
func ask(t *testing.T, c Config, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
	w := httptest.NewRecorder()
	Handler(c).ServeHTTP(w, r)
	return w
}

// document reads a page, which must be one.
func document(t *testing.T, w *httptest.ResponseRecorder) *html.Node {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Fatalf("content type %q", got)
	}
	doc, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// elements lists those of a name, and the values of one attribute.
func elements(doc *html.Node, name, attribute string) (out []string) {
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != name {
			continue
		}
		value := ""
		for _, a := range n.Attr {
			if a.Key == attribute {
				value = a.Val
			}
		}
		out = append(out, value)
	}
	return out
}

// TestEveryPage: every page is there, says what it is, and each of its links,
// pictures and styles leads somewhere.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	c := full(t)
	for name, path := range everything() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, c, http.MethodGet, path)
			if w.Code != http.StatusOK {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			doc := document(t, w)
			if n := len(elements(doc, "h1", "")); n != 1 {
				t.Errorf("%d headings of the first rank", n)
			}
			for _, script := range []string{"script", "style", "form", "iframe"} {
				if found := elements(doc, script, "src"); len(found) > 0 {
					t.Errorf("%d <%s>", len(found), script)
				}
			}
			links := append(elements(doc, "a", "href"), elements(doc, "img", "src")...)
			for _, link := range append(append(links, elements(doc, "source", "srcset")...), elements(doc, "link", "href")...) {
				if !strings.HasPrefix(link, Root) {
					if link != "#main" && link != "/metrics" {
						t.Errorf("it leads elsewhere: %q", link)
					}
					continue
				}
				if got := ask(t, c, http.MethodGet, link); got.Code != http.StatusOK {
					t.Errorf("%s is %d", link, got.Code)
				}
			}
			for i, alt := range elements(doc, "img", "alt") {
				if alt == "" {
					t.Errorf("picture %d tells nothing to those who do not see it", i)
				}
			}
		})
	}
}

// TestWhatPagesSay looks for what people come for.
func TestWhatPagesSay(t *testing.T) {
	t.Parallel()
	c := full(t)
	tests := []struct {
		page string
		want []string
	}{
		{"environments", []string{"churn-dev", "churn-prod", "prod"}},
		{"environment", []string{"tuning", "customers", "train", "r-5f1c09ab12", "churn", "drift", "violated", "main churn/1", "0 3 * * 1 Europe/Zurich"}},
		{"run", []string{"prepare", "taken from an earlier run", "3m0s", "0.8471", "epoch done", "train.model"}},
		{"failed run", []string{"exit status 137: killed, perhaps for want of memory", "cancelled"}},
		{"endpoint", []string{"canary", "2 of 3", "50 %", "main v1", "main v2", "warm until", "1210 requests"}},
		{"monitor", []string{"1 of 3 features drifted: tenure", "constant in the baseline", "cooldown is not over", "answered 503"}},
		{"dataset", []string{"total_charges", "6530", "at most 0 % may be", "6120"}},
		{"promoted version", []string{"ada@example.com", "24h are asked for", "0.8471 ≥ 0.8"}},
		{"lineage", []string{"customers", "train", "churn 2", "churn 1", "endpoint in churn-dev"}},
	}
	for _, tt := range tests {
		t.Run(tt.page, func(t *testing.T) {
			t.Parallel()
			said := html.UnescapeString(ask(t, c, http.MethodGet, everything()[tt.page]).Body.String())
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q", want)
				}
			}
		})
	}
}

// TestCharts: pictures are well-formed SVG, have a line for each name, and run
// nothing.
func TestCharts(t *testing.T) {
	t.Parallel()
	c := full(t)
	tests := []struct {
		name, path string
		want       []string
	}{
		{"requests", string(endpoint), []string{"main v1", "main v2"}},
		{"errors", string(endpoint), []string{"main v1", "main v2"}},
		{"share", string(endpoint), []string{"main v1", "main v2"}},
		{"latency", string(endpoint), []string{"p50", "p95", "p99"}},
		{"drift", string(monitor) + "?check=data_drift&of=tenure&statistic=psi", []string{"tenure", "threshold"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, c, http.MethodGet, Root+"chart/"+tt.name+"/"+tt.path)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" {
				t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			text := wellFormed(t, w.Body.String())
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no line is called %q", want)
				}
			}
		})
	}
}

// wellFormed reads SVG to its end, and returns its text.
func wellFormed(t *testing.T, svg string) string {
	t.Helper()
	var text strings.Builder
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("no SVG: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "script" || token.Name.Local == "foreignObject" {
				t.Errorf("it has a <%s>", token.Name.Local)
			}
		case xml.CharData:
			text.Write(token)
			text.WriteByte('\n')
		}
	}
}

func TestNewEngine(t *testing.T) {
	t.Parallel()
	w := ask(t, nothing(), http.MethodGet, Root)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "There is no environment yet") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	for name, path := range everything() {
		if name == "environments" || name == "lineage" {
			continue
		}
		if w := ask(t, nothing(), http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s is %d, want 404", name, w.Code)
		}
	}
}

// TestBarelyThere shows objects of which nothing is known but that they exist.
func TestBarelyThere(t *testing.T) {
	t.Parallel()
	c := nothing()
	c.Environments = shelf[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{{Ref: dev}, {Ref: prod}}
	c.Experiments = shelf[mlops.ExperimentSpec, mlops.ExperimentStatus]{{Ref: experiment}}
	c.Datasets = shelf[mlops.DatasetSpec, mlops.DatasetStatus]{{Ref: dataset}}
	c.Pipelines = shelf[mlops.PipelineSpec, mlops.PipelineStatus]{{Ref: pipeline}}
	c.PipelineRuns = shelf[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{{Ref: goodRun, Spec: mlops.PipelineRunSpec{Pipeline: pipeline}}, {Ref: badRun, Spec: mlops.PipelineRunSpec{Pipeline: pipeline}}}
	c.Models = shelf[mlops.ModelSpec, mlops.ModelStatus]{{Ref: model}}
	c.ModelVersions = shelf[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{{Ref: version1}, {Ref: version2}, {Ref: prodVersion}}
	c.ModelEndpoints = shelf[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{{Ref: endpoint}}
	c.Monitors = shelf[mlops.MonitorSpec, mlops.MonitorStatus]{{Ref: monitor}}
	for name, path := range everything() {
		if w := ask(t, c, http.MethodGet, path); w.Code != http.StatusOK {
			t.Errorf("%s is %d: %s", name, w.Code, w.Body)
		}
	}
	for _, chart := range []string{"requests", "errors", "share", "latency"} {
		if w := ask(t, c, http.MethodGet, Root+"chart/"+chart+"/"+string(endpoint)); w.Code != http.StatusOK {
			t.Errorf("the chart %s without requests is %d: %s", chart, w.Code, w.Body)
		}
	}
}

func TestNotHere(t *testing.T) {
	t.Parallel()
	c := full(t)
	for _, path := range []string{
		"/-/no", "/-/local/none", "/-/local/churn-dev/endpoints/none", "/-/local/churn-dev/nonsense/x", "/-/%00", "/-/..%2f..%2fetc%2fpasswd",
		"/-/lineage/no", "/-/chart/nonsense/local/churn-dev/endpoints/churn", "/-/local/churn-dev/%3Cscript%3E",
	} {
		w := ask(t, c, http.MethodGet, path)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s is %d, want 404", path, w.Code)
		}
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s answers with a script: %s", path, w.Body)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	c := full(t)
	for _, path := range []string{Root, Root + string(endpoint), Root + "style.css", Root + "chart/requests/" + string(endpoint), Root + "lineage/" + string(version2)} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			if w := ask(t, c, method, path); w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s is %d, want 405", method, path, w.Code)
			}
		}
		if w := ask(t, c, http.MethodHead, path); w.Code != http.StatusOK {
			t.Errorf("HEAD %s is %d", path, w.Code)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	c := full(t)
	for _, path := range []string{Root, Root + "style.css", Root + "no", Root + "chart/requests/" + string(endpoint)} {
		h := ask(t, c, http.MethodGet, path).Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
	}
}

// TestOtherHosts: a page of another name that leads here, as DNS can be made to,
// is not answered. That is the gateway's check.
func TestOtherHosts(t *testing.T) {
	t.Parallel()
	g := gateway.New(gateway.Config{})
	g.Mount(Handler(full(t)))
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	for host, want := range map[string]int{
		"127.0.0.1:4000": http.StatusOK, "localhost": http.StatusOK, "[::1]:4000": http.StatusOK,
		"evil.example.com": http.StatusForbidden, "127.0.0.1.evil.example.com": http.StatusForbidden, "192.168.1.7:4000": http.StatusForbidden,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+Root, nil)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", host, w.Code, want)
		}
	}
}

// TestTrouble: what cannot be read is a page that says so, and a line in the log;
// the reason, which may name files, is in the log alone.
func TestTrouble(t *testing.T) {
	t.Parallel()
	c := full(t)
	c.Reports = func(context.Context, mlops.ID) ([]mlops.MonitorReport, error) { return nil, errors.New("disk on fire") }
	c.StepLog = func(context.Context, mlops.ID, string) (string, error) { return "", errors.New("disk on fire") }
	for _, path := range []string{Root + string(goodRun), Root + "chart/drift/" + string(monitor)} {
		w := ask(t, c, http.MethodGet, path)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%s is %d: %s", path, w.Code, w.Body)
		}
	}
}
