package web

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// homePage lists the environments.
func (c Config) homePage(ctx context.Context, _ mlops.ID) (page, error) {
	all, err := c.Environments.List(ctx, "")
	t := &table{
		Caption: "Environments", Head: []string{"Environment", "Stage", "State", "Since"},
		Empty: "There is no environment yet. The first `terraform apply` of one with `local = {}` makes it.",
	}
	for _, e := range all {
		t.Rows = append(t.Rows, []cell{linkTo(e.Ref, e.Spec.Name), text(e.Spec.Stage), badge(phase(e.Phase)), when(e.Status.CreatedAt)})
	}
	return page{Title: "Environments", Sections: []section{{Table: t}}}, err
}

// environmentPage lists what is in an environment, what matters most first.
func (c Config) environmentPage(ctx context.Context, id mlops.ID) (page, error) {
	e, err := c.Environments.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	p := page{Title: e.Spec.Name, State: phase(e.Phase), Sections: []section{{Facts: append([]fact{
		{"Stage", text(e.Spec.Stage)}, {"Made", when(e.Status.CreatedAt)},
	}, labelFacts(e.Spec.Labels)...)}}}
	parts := []func(context.Context, mlops.ID) (section, error){
		c.endpointsOf, c.monitorsOf, c.pipelinesOf, c.runsOf, c.modelsOf, c.datasetsOf, c.experimentsOf,
	}
	for _, part := range parts {
		s, err := part(ctx, id)
		if err != nil {
			return page{}, err
		}
		p.Sections = append(p.Sections, s)
	}
	return p, nil
}

func labelFacts(labels map[string]string) []fact {
	var facts []fact
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		facts = append(facts, fact{k, text(labels[k])})
	}
	return facts
}

// listed is a section with one row for each object.
func listed[S, T any](ctx context.Context, from Objects[S, T], under mlops.ID, title string, head []string, row func(mlops.Observed[S, T]) []cell) (section, error) {
	all, err := from.List(ctx, under)
	t := &table{Caption: title, Head: head, Empty: "None."}
	for _, o := range all {
		t.Rows = append(t.Rows, row(o))
	}
	return section{Title: title, Table: t}, err
}

func (c Config) endpointsOf(ctx context.Context, id mlops.ID) (section, error) {
	return listed(ctx, c.ModelEndpoints, id, "Endpoints", []string{"Endpoint", "State", "Serves", "Address"},
		func(o mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]) []cell {
			var serves []string
			for _, variant := range slices.Sorted(maps.Keys(o.Status.Serving)) {
				s := o.Status.Serving[variant]
				serves = append(serves, variant+" "+s.Version.Parent().Name()+"/"+s.Version.Name())
			}
			return []cell{linkTo(o.Ref, o.Spec.Name), badge(phase(o.Phase)), text(strings.Join(serves, ", ")), mono(o.Status.URL)}
		})
}

func (c Config) monitorsOf(ctx context.Context, id mlops.ID) (section, error) {
	return listed(ctx, c.Monitors, id, "Monitors", []string{"Monitor", "State", "Since", "Last check", "Retraining"},
		func(o mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]) []cell {
			last := text("–")
			if r := o.Status.LastReport; r != nil {
				last = when(r.At)
			}
			return []cell{linkTo(o.Ref, o.Spec.Name), badge(string(o.Status.State)), when(o.Status.Since), last, badge(string(o.Status.Retraining.State))}
		})
}

func (c Config) pipelinesOf(ctx context.Context, id mlops.ID) (section, error) {
	return listed(ctx, c.Pipelines, id, "Pipelines", []string{"Pipeline", "Version", "Steps", "Schedule"},
		func(o mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]) []cell {
			return []cell{linkTo(o.Ref, o.Spec.Name), mono(o.Status.Version), number(len(o.Spec.Steps)), text(scheduleWords(o.Spec.Schedule))}
		})
}

func scheduleWords(s *mlops.Schedule) string {
	switch {
	case s == nil:
		return "–"
	case s.Disabled:
		return s.Cron + " (off)"
	}
	return s.Cron + " " + cmp.Or(s.Timezone, "UTC")
}

// mostRuns is how many runs a list shows.
const mostRuns = 20

// runsOf lists the newest runs of an environment or a pipeline.
func (c Config) runsOf(ctx context.Context, id mlops.ID) (section, error) {
	all, err := c.PipelineRuns.List(ctx, id)
	slices.Reverse(all)
	t := &table{Caption: "Runs", Head: []string{"Run", "Pipeline", "State", "Started", "Took"}, Empty: "None yet."}
	for _, o := range all[:min(len(all), mostRuns)] {
		t.Rows = append(t.Rows, []cell{
			linkTo(o.Ref, o.Status.Run), linkTo(o.Spec.Pipeline, o.Spec.Pipeline.Name()), badge(string(o.Status.State)),
			when(o.Status.StartedAt), took(o.Status.StartedAt, o.Status.FinishedAt),
		})
	}
	return section{Title: "Newest runs", Table: t}, err
}

func (c Config) modelsOf(ctx context.Context, id mlops.ID) (section, error) {
	return listed(ctx, c.Models, id, "Models", []string{"Model", "Newest version", "Made"},
		func(o mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]) []cell {
			newest := text("–")
			if o.Status.Latest != "" {
				newest = linkTo(o.Ref.Child(mlops.NounModelVersion, o.Status.Latest), o.Status.Latest)
			}
			return []cell{linkTo(o.Ref, o.Spec.Name), newest, when(o.Status.CreatedAt)}
		})
}

func (c Config) datasetsOf(ctx context.Context, id mlops.ID) (section, error) {
	return listed(ctx, c.Datasets, id, "Datasets", []string{"Dataset", "Version", "Rows", "Violations", "Digest"},
		func(o mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]) []cell {
			return []cell{linkTo(o.Ref, o.Spec.Name), text(o.Status.Version), number(o.Status.Rows), number(len(o.Status.Violations)), digest(o.Status.Digest)}
		})
}

func (c Config) experimentsOf(ctx context.Context, id mlops.ID) (section, error) {
	return listed(ctx, c.Experiments, id, "Experiments", []string{"Experiment", "Runs", "Made"},
		func(o mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]) []cell {
			return []cell{linkTo(o.Ref, o.Spec.Name), number(o.Status.Total), when(o.Status.CreatedAt)}
		})
}
