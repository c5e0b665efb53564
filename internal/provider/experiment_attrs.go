package provider

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

func experimentAttributes() attributes {
	return attributes{
		"environment": requiredText("ID of the environment. Changing it replaces the experiment."),
		"name":        requiredText("The experiment's name. Changing it replaces the experiment."),
		"description": description(),
		"labels":      labels(),
		"created_at":  computedTime("When the experiment was made."),
	}
}

type experimentModel struct {
	common

	Environment *string           `tfsdk:"environment"`
	Name        *string           `tfsdk:"name"`
	Description *string           `tfsdk:"description"`
	Labels      map[string]string `tfsdk:"labels"`
	CreatedAt   *string           `tfsdk:"created_at"`
}

func (m experimentModel) spec() mlops.ExperimentSpec {
	return mlops.ExperimentSpec{
		Environment: idOf(m.Environment), Name: valueOf(m.Name), Description: valueOf(m.Description), Labels: m.Labels,
	}
}

func experimentOf(seen mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]) experimentModel {
	s := seen.Spec
	return experimentModel{
		Environment: nullableID(s.Environment), Name: nullable(s.Name), Description: nullable(s.Description), Labels: s.Labels,
		CreatedAt: nullableTime(seen.Status.CreatedAt),
	}
}
