package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestLineageLinks draws an arrow for each step of the way: dataset, run,
// version, promoted version, endpoint.
func TestLineageLinks(t *testing.T) {
	t.Parallel()
	c := full(t)
	w := walk{Config: c, follows: map[mlops.ID][]mlops.ID{}, notes: map[mlops.ID]node{}}
	if err := w.all(t.Context()); err != nil {
		t.Fatal(err)
	}
	near := w.near(version2)
	g := w.draw(version2, near)
	columns := map[string]int{}
	for _, n := range g.Nodes {
		columns[n.Key] = n.X
	}
	for _, link := range [][2]mlops.ID{{dataset, goodRun}, {pipeline, goodRun}, {goodRun, version2}, {version2, prodVersion}, {version2, endpoint}, {version1, endpoint}} {
		from, known := columns[string(link[0])]
		to, there := columns[string(link[1])]
		if !known || !there || from >= to {
			t.Errorf("%s does not stand before %s: %v", link[0], link[1], columns)
		}
	}
	if _, there := columns[string(badRun)]; there {
		t.Error("a run that has nothing to do with it is drawn")
	}
}

// TestLargeLineage: a pipeline with a thousand runs is a table.
func TestLargeLineage(t *testing.T) {
	t.Parallel()
	c := full(t)
	runs := shelf[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{}
	for i := range 1000 {
		runs = append(runs, mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{
			Ref: pipeline + mlops.ID(fmt.Sprintf("/runs/r-%d", i)), Spec: mlops.PipelineRunSpec{Pipeline: pipeline},
		})
	}
	c.PipelineRuns = runs
	w := ask(t, c, http.MethodGet, Root+"lineage/"+string(pipeline))
	if body := w.Body.String(); w.Code != http.StatusOK || strings.Contains(body, "<svg") || !strings.Contains(body, "r-999") {
		t.Errorf("%d, %d bytes", w.Code, len(body))
	}
}
