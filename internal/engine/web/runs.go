package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelinePage shows a pipeline as a graph, and its runs.
func (c Config) pipelinePage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.Pipelines.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	runs, err := c.runsOf(ctx, id)
	if err != nil {
		return page{}, err
	}
	facts := []fact{{"Version", mono(o.Status.Version)}, {"Schedule", text(scheduleWords(o.Spec.Schedule))}}
	if o.Spec.Experiment != "" {
		facts = append(facts, fact{"Experiment", linkTo(o.Spec.Experiment, o.Spec.Experiment.Name())})
	}
	return page{Title: o.Spec.Name, State: phase(o.Phase), Sections: []section{
		{Text: o.Spec.Description, Facts: facts},
		{Title: "Steps", Graph: stepGraph(o.Spec, nil)},
		runs,
	}}, nil
}

// runPage shows how each step of a run went.
func (c Config) runPage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.PipelineRuns.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	s := o.Status
	p := page{Title: "Run " + s.Run, State: string(s.State), Sections: []section{{Text: o.Reason, Facts: []fact{
		{"Pipeline", linkTo(o.Spec.Pipeline, o.Spec.Pipeline.Name())},
		{"Started", when(s.StartedAt)},
		{"Took", took(s.StartedAt, s.FinishedAt)},
		{"Lineage", cell{Text: "dataset to endpoint", Link: pathOf("lineage", id)}},
	}}}}
	pipeline, err := c.Pipelines.Get(ctx, o.Spec.Pipeline)
	if err != nil {
		return page{}, err
	}
	order := stepOrder(pipeline.Spec, &s)
	graph := section{Title: "Steps", Graph: stepGraph(pipeline.Spec, &s), Table: stepTable(order, s)}
	if l := s.Lineage; l != nil && l.PipelineVersion != pipeline.Status.Version {
		graph.Text = "The pipeline has changed since this run; the arrows are those of today."
	}
	p.Sections = append(p.Sections, graph, metricTable(s.Metrics), outputTable(s.Outputs))
	if len(s.Steps) > 0 {
		p.Sections = append(p.Sections, section{Title: "Logs", Text: "The end of what each step wrote, as it wrote it: whatever secrets its code printed are in it."})
	}
	for _, step := range order {
		if s.Steps[step].State == mlops.RunSkipped {
			continue // it has none
		}
		log, err := c.StepLog(ctx, id, step)
		if err != nil {
			return page{}, err
		}
		p.Sections = append(p.Sections, section{Title: "Log of " + step, Log: cmp.Or(plain(log), "(nothing was written)")})
	}
	return p, nil
}

// escapes are what terminals take for colours and the like.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

func plain(log string) string { return escapes.ReplaceAllString(log, "") }

// stepOrder names the steps of a pipeline, or of its run if there is one, each
// behind those that it needs, where that is known.
func stepOrder(spec mlops.PipelineSpec, run *mlops.PipelineRunStatus) []string {
	names := slices.Sorted(maps.Keys(spec.Steps))
	if run != nil {
		names = slices.Sorted(maps.Keys(run.Steps))
	}
	order, err := spec.Graph()
	if known := order.Order(); err == nil && sameSteps(known, names) {
		return known
	}
	return names
}

// stepGraph draws the steps of a pipeline, as a run has them if there is one.
func stepGraph(spec mlops.PipelineSpec, run *mlops.PipelineRunStatus) *graph {
	order, _ := spec.Graph() // of steps that are none, it is one without arrows
	names := stepOrder(spec, run)
	var nodes []node
	follows := map[string][]string{}
	for _, name := range names {
		n := node{Key: name, Label: name}
		if run != nil {
			step := run.Steps[name]
			n.State, n.Note = string(step.State), took(step.StartedAt, step.FinishedAt).Text
			switch {
			case step.Cached:
				n.Note = "taken from an earlier run"
			case step.State == mlops.RunSkipped:
				n.Note = "skipped"
			}
		}
		nodes = append(nodes, n)
		follows[name] = order.Needs(name)
	}
	return arrange("Steps", nodes, follows)
}

func sameSteps(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func stepTable(order []string, s mlops.PipelineRunStatus) *table {
	t := &table{Caption: "Steps", Head: []string{"Step", "State", "Attempt", "Started", "Took", "Reason"}}
	for _, name := range order {
		step := s.Steps[name]
		reason := step.Reason
		if step.Cached {
			reason = "taken from an earlier run"
		}
		t.Rows = append(t.Rows, []cell{
			text(name), badge(string(step.State)), number(step.Attempt), when(step.StartedAt),
			took(step.StartedAt, step.FinishedAt), text(reason),
		})
	}
	return t
}

func metricTable(metrics map[string]float64) section {
	t := &table{Caption: "Metrics", Head: []string{"Metric", "Value"}, Empty: "None."}
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		t.Rows = append(t.Rows, []cell{text(name), number(metrics[name])})
	}
	return section{Title: "Metrics", Table: t}
}

func outputTable(outputs map[string]string) section {
	t := &table{Caption: "Outputs", Head: []string{"Output", "Where"}, Empty: "None."}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		t.Rows = append(t.Rows, []cell{text(name), mono(outputs[name])})
	}
	return section{Title: "Outputs", Table: t}
}

// experimentPage compares the runs of an experiment.
func (c Config) experimentPage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.Experiments.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	metrics, parameters := map[string]bool{}, map[string]bool{}
	for _, r := range o.Status.Runs {
		for name := range r.Metrics {
			metrics[name] = true
		}
		for name := range r.Parameters {
			parameters[name] = true
		}
	}
	t := &table{Caption: "Runs", Head: []string{"Run", "State", "Started"}, Empty: "No run yet."}
	byMetric, byParameter := slices.Sorted(maps.Keys(metrics)), slices.Sorted(maps.Keys(parameters))
	t.Head = append(append(t.Head, byMetric...), byParameter...)
	for _, r := range o.Status.Runs {
		row := []cell{linkTo(r.Run, r.Run.Parent().Name()+"/"+r.Run.Name()), badge(string(r.State)), when(r.StartedAt)}
		for _, name := range byMetric {
			row = append(row, metric(r.Metrics, name))
		}
		for _, name := range byParameter {
			row = append(row, text(r.Parameters[name]))
		}
		t.Rows = append(t.Rows, row)
	}
	total := fmt.Sprintf("%d runs in all.", o.Status.Total)
	return page{Title: o.Spec.Name, State: phase(o.Phase), Sections: []section{{Text: o.Spec.Description}, {Title: "Runs", Text: total, Table: t}}}, nil
}

func metric(all map[string]float64, name string) cell {
	if v, ok := all[name]; ok {
		return measured(&v)
	}
	return measured(nil)
}
