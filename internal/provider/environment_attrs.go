package provider

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func environmentAttributes(factories []mlops.Factory) attributes {
	g := guide{factories}
	all := attributes{
		"name":   requiredText("The environment's name. Changing it replaces the environment."),
		"stage":  requiredText("How far its contents are from users: `dev`, `test`, `staging` or `prod`."),
		"labels": labels(),
		"retention": object(g.doc(mlops.FeatureEnvironmentRetention, "How long finished things are kept. Without it, as long as what they belong to."), attributes{
			"runs":     duration("Age, since its end, at which a finished run is removed."),
			"captures": duration("Age, since its writing, at which a captured request is removed."),
		}),
		"deletion_protection": disabled(g.doc(mlops.FeatureEnvironmentProtect, "Whether deleting the environment is refused. To delete it, set this to `false` and apply that first. Default: `false`.")),
		"budget": object(g.doc(mlops.FeatureEnvironmentBudget, "What the environment should cost at most. It warns, and ends nothing."), attributes{
			"monthly_usd": schema.Float64Attribute{MarkdownDescription: "US dollars a month.", Required: true},
			"alert_percents": schema.ListAttribute{
				MarkdownDescription: "Percent of the budget at which `emails` are told. Default: `[80, 100]`.",
				Optional:            true,
				ElementType:         types.Int64Type,
				Validators:          noNullElements(),
			},
			"emails": textSet("Who is told."),
		}),
		"registry":      registryAttribute(g),
		"secrets_mark":  computedText("A mark of the target's write-only settings that changes when those do, and tells nothing else of them; null where there are none."),
		"registry_mark": computedText("A mark of `registry.mlflow.token` that changes when that does, and tells nothing else of it: a slow, truncated hash of it and the environment's ID."),
		"created_at":    computedTime("When the environment was made."),
		"problem":       computedText("Why the environment does not work, such as a bucket that somebody removed; null while it does. The next apply repairs it in place."),
	}
	for _, f := range factories {
		members := attributes{}
		for _, s := range f.Target {
			members[s.Name] = targetSetting(s)
		}
		all[f.Name] = object("Puts the environment on the backend `"+f.Name+"`. "+f.Summary+" Exactly one backend must be given; changing it replaces the environment.", members)
	}
	return all
}

type environmentModel struct {
	common
	targeting

	Name               *string           `tfsdk:"name"`
	Stage              *string           `tfsdk:"stage"`
	Labels             map[string]string `tfsdk:"labels"`
	Retention          *retentionModel   `tfsdk:"retention"`
	DeletionProtection *bool             `tfsdk:"deletion_protection"`
	Budget             *budgetModel      `tfsdk:"budget"`
	Registry           *registryModel    `tfsdk:"registry"`
	RegistryMark       *string           `tfsdk:"registry_mark"`
	SecretsMark        *string           `tfsdk:"secrets_mark"`
	CreatedAt          *string           `tfsdk:"created_at"`
	Problem            *string           `tfsdk:"problem"`
}

type budgetModel struct {
	MonthlyUSD    *float64 `tfsdk:"monthly_usd"`
	AlertPercents []int64  `tfsdk:"alert_percents"`
	Emails        []string `tfsdk:"emails"`
}

func (m *budgetModel) spec() *mlops.Budget {
	if m == nil {
		return nil
	}
	return &mlops.Budget{MonthlyUSD: valueOf(m.MonthlyUSD), AlertPercents: m.AlertPercents, Emails: m.Emails}
}

func budgetOf(b *mlops.Budget) *budgetModel {
	if b == nil {
		return nil
	}
	return &budgetModel{MonthlyUSD: &b.MonthlyUSD, AlertPercents: b.AlertPercents, Emails: b.Emails}
}

type retentionModel struct {
	Runs     *string `tfsdk:"runs"`
	Captures *string `tfsdk:"captures"`
}

func (m environmentModel) spec() mlops.EnvironmentSpec {
	return mlops.EnvironmentSpec{
		Name:               valueOf(m.Name),
		Stage:              valueOf(m.Stage),
		Target:             m.target(),
		Labels:             m.Labels,
		Retention:          m.Retention.spec(),
		DeletionProtection: valueOf(m.DeletionProtection),
		Budget:             m.Budget.spec(),
		Registry:           m.Registry.spec(m.RegistryMark),
	}
}

// target is the one target, or none while it is not clear which: that exactly
// one is given is a rule of the schema.
func (m environmentModel) target() mlops.Target {
	names := slices.Collect(maps.Keys(m.Targets))
	if len(names) != 1 {
		return mlops.Target{}
	}
	return mlops.Target{Backend: names[0], Settings: m.Targets[names[0]], Mark: valueOf(m.SecretsMark)}
}

func (m *retentionModel) spec() *mlops.Retention {
	if m == nil {
		return nil
	}
	return &mlops.Retention{Runs: durationOf(m.Runs), Captures: durationOf(m.Captures)}
}

func environmentOf(seen mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]) environmentModel {
	s := seen.Spec
	settings := s.Target.Settings
	if settings == nil {
		settings = mlops.Settings{}
	}
	return environmentModel{
		Name:               nullable(s.Name),
		Stage:              nullable(s.Stage),
		Labels:             s.Labels,
		Retention:          retentionOf(s.Retention),
		DeletionProtection: &s.DeletionProtection,
		Budget:             budgetOf(s.Budget),
		Registry:           registryOf(s.Registry),
		RegistryMark:       registryMarkOf(s.MLflowRegistry()),
		SecretsMark:        nullable(s.Target.Mark),
		CreatedAt:          nullableTime(seen.Status.CreatedAt),
		Problem:            problemOf(seen.Phase, seen.Reason),
		targeting:          targeting{map[string]mlops.Settings{s.Target.Backend: settings}},
	}
}

// problemOf is why an object does not work, or nil where it does.
func problemOf(phase mlops.Phase, reason string) *string {
	if phase != mlops.PhaseFailed {
		return nil
	}
	return nullable(cmp.Or(reason, "the platform gives no reason"))
}

func retentionOf(r *mlops.Retention) *retentionModel {
	if r == nil {
		return nil
	}
	return &retentionModel{Runs: nullableDuration(r.Runs), Captures: nullableDuration(r.Captures)}
}
