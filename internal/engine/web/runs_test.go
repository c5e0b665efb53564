package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestSkippedSteps: a run's page draws what was skipped, says why, and shows no log
// of it.
func TestSkippedSteps(t *testing.T) {
	t.Parallel()
	w := ask(t, full(t), http.MethodGet, Root+string(goodRun))
	page := w.Body.String()
	for _, want := range []string{"auc}} &gt;= 0.9 does not hold: 0.8471 &gt;= 0.9", "step &#34;publish&#34;, which it needs, was skipped", "Log of evaluate"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "Log of publish") {
		t.Error("there is a log of a step that did not run")
	}
	n := 0
	for _, class := range elements(document(t, w), "g", "class") {
		if slices.Contains(strings.Fields(class), "skipped") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d steps of the graph are drawn as skipped, want 2", n)
	}
}
