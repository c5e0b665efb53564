package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework-jsontypes/jsontypes"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func monitorLookup(d *definition[monitorModel, mlops.MonitorSpec, mlops.MonitorStatus]) lookup[monitorModel, mlops.MonitorSpec, mlops.MonitorStatus] {
	return lookup[monitorModel, mlops.MonitorSpec, mlops.MonitorStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"status": dsschema.SingleNestedAttribute{
				MarkdownDescription: "What the monitor found.", Computed: true,
				Attributes: monitorStatusAttributes(),
			},
			"last_report": dsschema.StringAttribute{
				MarkdownDescription: "The last report whole, as JSON; read it with `jsondecode`.",
				Computed:            true, CustomType: jsontypes.NormalizedType{},
			},
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]) map[string]any {
			return map[string]any{"status": monitorStatusOf(seen), "last_report": reportJSON(seen.Status.LastReport)}
		},
	}
}

func monitorStatusAttributes() map[string]dsschema.Attribute {
	text := func(doc string) dsschema.Attribute {
		return dsschema.StringAttribute{MarkdownDescription: doc, Computed: true}
	}
	count := func(doc string) dsschema.Attribute {
		return dsschema.Int64Attribute{MarkdownDescription: doc, Computed: true}
	}
	return map[string]dsschema.Attribute{
		"state":         text("`waiting` for the first check, `ok`, `violated`, `no_data`, or `broken` where the check could not be made."),
		"since":         text("Since when. In RFC 3339 form."),
		"reason":        text("In words; empty where there is nothing to say."),
		"checked_at":    text("When the last check was made. In RFC 3339 form."),
		"next_check_at": text("When the next check is made. In RFC 3339 form."),
		"rows":          count("Rows that the last check had."),
		"violated":      dsschema.ListAttribute{MarkdownDescription: "Checks that are violated.", Computed: true, ElementType: types.StringType},
		"baseline_rows": count("Rows of the baseline."),
		"alerts": dsschema.SingleNestedAttribute{MarkdownDescription: "How the telling went.", Computed: true, Attributes: map[string]dsschema.Attribute{
			"last_sent_at": text("When an alert was last delivered. In RFC 3339 form."),
			"pending":      count("Alerts that wait to be tried again."),
			"last_error":   text("Why the last one that could not be delivered was not."),
		}},
		"retraining": dsschema.SingleNestedAttribute{MarkdownDescription: "How the pipeline of `on_violation` stands.", Computed: true, Attributes: map[string]dsschema.Attribute{
			"state":        text("`idle`, `running`, `succeeded`, `failed`, `cooling_down` or `cap_reached`."),
			"last_run":     text("ID of the last run that it started."),
			"started_at":   text("When. In RFC 3339 form."),
			"this_month":   count("Starts in this calendar month."),
			"next_allowed": text("Before when it does not start again. In RFC 3339 form."),
			"reason":       text("In words."),
		}},
	}
}

type monitorStatusModel struct {
	State        *string           `tfsdk:"state"`
	Since        *string           `tfsdk:"since"`
	Reason       *string           `tfsdk:"reason"`
	CheckedAt    *string           `tfsdk:"checked_at"`
	NextCheckAt  *string           `tfsdk:"next_check_at"`
	Rows         int64             `tfsdk:"rows"`
	Violated     []string          `tfsdk:"violated"`
	BaselineRows int64             `tfsdk:"baseline_rows"`
	Alerts       alertsStatusModel `tfsdk:"alerts"`
	Retraining   retrainingModel   `tfsdk:"retraining"`
}

type alertsStatusModel struct {
	LastSentAt *string `tfsdk:"last_sent_at"`
	Pending    int64   `tfsdk:"pending"`
	LastError  *string `tfsdk:"last_error"`
}

type retrainingModel struct {
	State       *string `tfsdk:"state"`
	LastRun     *string `tfsdk:"last_run"`
	StartedAt   *string `tfsdk:"started_at"`
	ThisMonth   int64   `tfsdk:"this_month"`
	NextAllowed *string `tfsdk:"next_allowed"`
	Reason      *string `tfsdk:"reason"`
}

func monitorStatusOf(seen mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]) monitorStatusModel {
	s := seen.Status
	m := monitorStatusModel{
		State: nullable(string(s.State)), Since: nullableTime(s.Since), Reason: &seen.Reason, NextCheckAt: nullableTime(s.NextCheck),
		Violated: []string{}, BaselineRows: s.Baseline.Rows,
		Alerts: alertsStatusModel{nullableTime(s.Alerts.LastSent), s.Alerts.Pending, nullable(s.Alerts.LastFail)},
		Retraining: retrainingModel{
			State: nullable(string(s.Retraining.State)), LastRun: nullableID(s.Retraining.LastRun), StartedAt: nullableTime(s.Retraining.LastAt),
			ThisMonth: s.Retraining.ThisMonth, NextAllowed: nullableTime(s.Retraining.NextAllowed), Reason: nullable(s.Retraining.Reason),
		},
	}
	if r := s.LastReport; r != nil {
		m.CheckedAt, m.Rows = nullableTime(r.At), r.Rows
		for _, kind := range mlops.MonitorChecks() {
			if r.Checks[kind].State == mlops.MonitorViolated {
				m.Violated = append(m.Violated, kind)
			}
		}
		if r.Reason != "" {
			m.Reason = &r.Reason
		}
	}
	return m
}

// reportJSON is a report as it is on disk, null before the first.
func reportJSON(r *mlops.MonitorReport) *string {
	if r == nil {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil { // no report has what JSON lacks
		return nil
	}
	return new(string(b))
}
