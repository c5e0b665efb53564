package provider

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

func modelAttributes() attributes {
	return attributes{
		"environment": requiredText("ID of the environment. Changing it replaces the model."),
		"name":        requiredText("The model's name. Changing it replaces the model."),
		"description": description(),
		"labels":      labels(),
		"created_at":  computedTime("When the model was registered."),
	}
}

type modelModel struct {
	common

	Environment *string           `tfsdk:"environment"`
	Name        *string           `tfsdk:"name"`
	Description *string           `tfsdk:"description"`
	Labels      map[string]string `tfsdk:"labels"`
	CreatedAt   *string           `tfsdk:"created_at"`
}

func (m modelModel) spec() mlops.ModelSpec {
	return mlops.ModelSpec{
		Environment: idOf(m.Environment),
		Name:        valueOf(m.Name),
		Description: valueOf(m.Description),
		Labels:      m.Labels,
	}
}

func modelOf(seen mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]) modelModel {
	return modelModel{
		Environment: nullableID(seen.Spec.Environment),
		Name:        nullable(seen.Spec.Name),
		Description: nullable(seen.Spec.Description),
		Labels:      seen.Spec.Labels,
		CreatedAt:   nullableTime(seen.Status.CreatedAt),
	}
}
