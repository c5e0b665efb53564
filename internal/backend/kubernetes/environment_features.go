package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// environmentFeatures answers for environments.
func environmentFeatures() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureEnvironmentRetention: {Support: mlops.NotProvided, Note: "Nothing in a cluster removes what is in a bucket or a volume: give the bucket of `storage_uri` a lifecycle rule instead. Argo keeps the last ten runs of a schedule that succeeded, and the last ten that failed, whatever their age."},
		mlops.FeatureEnvironmentProtect:   {Support: mlops.Emulated, Note: "The provider refuses."},
		mlops.FeatureEnvironmentBudget:    {Support: mlops.NotProvided, Note: "A cluster knows no prices: bound what can be asked for by `quota` instead."},
		mlops.FeatureEnvironmentMLflow:    {Support: mlops.Native, Note: "The token is a secret of the namespace."},
	}
}
