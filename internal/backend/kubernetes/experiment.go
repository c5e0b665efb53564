package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Experiments returns the kind of experiments.
func (b *backend) Experiments() mlops.Kind[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return notYet[mlops.ExperimentSpec, mlops.ExperimentStatus]{mlops.NounExperiment}
}
