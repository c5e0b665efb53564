package web

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// nasty is what a hostile name, reason or log would be.
const nasty = `"><script>alert(1)</script><img src=x onerror=alert(1)>'{{.}}` + "\x00\u202e]]>"

// TestHostileText puts it wherever users' or programs' words go.
func TestHostileText(t *testing.T) {
	t.Parallel()
	c := full(t)
	hostile(t, &c)
	tag := regexp.MustCompile(`<script|<img src=x|onerror=alert\(1\)>`)
	pages := everything()
	pages["chart of requests"] = Root + "chart/requests/" + string(endpoint)
	pages["chart of drift"] = Root + "chart/drift/" + string(monitor) + "?check=data_drift&of=%3Cscript%3Ealert(1)%3C%2Fscript%3E&statistic=%22%3E%3Cscript%3E"
	for name, path := range pages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, c, http.MethodGet, path)
			if w.Code != http.StatusOK {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			if strings.HasPrefix(name, "chart") {
				if found := tag.FindString(w.Body.String()); found != "" {
					t.Errorf("the picture has %q", found)
				}
				wellFormed(t, w.Body.String())
				return
			}
			doc := document(t, w)
			if n := len(elements(doc, "script", "")); n > 0 {
				t.Errorf("%d scripts", n)
			}
			for n := range doc.Descendants() {
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
						t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
					}
				}
			}
		})
	}
}

// hostile replaces words with nasty ones.
func hostile(t *testing.T, c *Config) {
	t.Helper()
	environments := all(t, c.Environments)
	c.Environments = environments
	environments[0].Spec.Name, environments[0].Spec.Stage, environments[0].Spec.Labels = nasty, nasty, map[string]string{nasty: nasty}
	runs := all(t, c.PipelineRuns)
	c.PipelineRuns = runs
	for i := range runs {
		step := runs[i].Status.Steps["train"]
		step.Reason, step.State = nasty, mlops.RunState(nasty)
		runs[i].Status.Steps["train"], runs[i].Status.Steps[nasty] = step, step
		runs[i].Reason, runs[i].Status.Outputs, runs[i].Status.Metrics = nasty, map[string]string{nasty: "javascript:" + nasty}, map[string]float64{nasty: 1}
	}
	versions := all(t, c.ModelVersions)
	c.ModelVersions = versions
	for i := range versions {
		versions[i].Spec.Description, versions[i].Spec.Aliases, versions[i].Status.Digest = nasty, []string{nasty}, nasty
	}
	endpoints := all(t, c.ModelEndpoints)
	c.ModelEndpoints = endpoints
	endpoints[0].Status.URL, endpoints[0].Reason, endpoints[0].Spec.Name = "javascript:"+nasty, nasty, nasty
	endpoints[0].Status.Serving[nasty] = mlops.Serving{Version: mlops.ID(nasty), Digest: nasty}
	minutes := c.Minutes(endpoint, now.AddDate(0, 0, -1))
	for i := range minutes {
		minutes[i].Variant = nasty
	}
	c.Minutes = func(mlops.ID, time.Time) []gateway.Minute { return minutes }
	monitors := all(t, c.Monitors)
	c.Monitors = monitors
	monitors[0].Reason, monitors[0].Status.Alerts.LastFail = nasty, nasty
	monitors[0].Status.LastReport.Checks["data_drift"].Features[0].Name = nasty
	c.StepLog = func(context.Context, mlops.ID, string) (string, error) { return nasty + "\x1b[31m\xff\xfe", nil }
}

// all takes everything from a shelf, to be changed.
func all[S, T any](t *testing.T, from Objects[S, T]) shelf[S, T] {
	t.Helper()
	out, err := from.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return out
}
