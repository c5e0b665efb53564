package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Experiments returns the kind of experiments.
func (b *backend) Experiments() mlops.Kind[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return kind[mlops.ExperimentSpec, mlops.ExperimentStatus]{b.engine.Experiments(), mlops.NounExperiment, func(s mlops.ExperimentSpec) string { return s.Name }}
}
