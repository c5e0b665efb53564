package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// pipelineFeatures answers for pipelines.
func pipelineFeatures() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeaturePipelineScript:     {Support: mlops.Native, Note: "In the environment's `step_image` unless the step names one with `sh` and Python."},
		mlops.FeaturePipelineCommand:    {Support: mlops.Native, Note: "In the environment's `step_image` unless the step names one."},
		mlops.FeaturePipelineImage:      {Support: mlops.Native, Note: "With `packages` it needs `sh` and Python with pip; without a command it runs as the image says, which Argo's controller looks up in the registry."},
		mlops.FeaturePipelinePackages:   {Support: mlops.Native, Note: "Installed by pip when the container starts, which needs a way to an index of packages."},
		mlops.FeaturePipelineWhen:       {Support: mlops.Native, Note: "Decided by Argo when the steps that a step needs have ended."},
		mlops.FeaturePipelineRetry:      {Support: mlops.Native, Note: "Also of a step whose pod was taken away."},
		mlops.FeaturePipelineTimeout:    {Support: mlops.Native, Note: "In whole seconds, those that a pod waits for a node included."},
		mlops.FeaturePipelineCache:      {Support: mlops.Native, Note: "By memoization, for 30 days, where the environment names its `workflow_controller`; without it, every step runs."},
		mlops.FeaturePipelineCPU:        {Support: mlops.Native, Note: "As a request."},
		mlops.FeaturePipelineMemory:     {Support: mlops.Native, Note: "As a request and a limit."},
		mlops.FeaturePipelineGPU:        {Support: mlops.Native, Note: "By the device plugin's resource of its maker, `nvidia.com/gpu` where none is named. A type or a memory is found by the labels of GKE, NVIDIA's feature discovery and Karpenter."},
		mlops.FeaturePipelineNative:     {Support: mlops.Native, Note: "A value of the nodes' label `node.kubernetes.io/instance-type`."},
		mlops.FeaturePipelineDisk:       {Support: mlops.Native, Note: "As ephemeral storage; of a step with `spot` also the size of the volume for its checkpoints."},
		mlops.FeaturePipelineSpot:       {Support: mlops.Native, Note: "Nodes that GKE, AKS, EKS or Karpenter label as such are preferred, and their taints tolerated; where there are none, any node will do. Checkpoints are on a volume of the cluster's default storage class, of 20 GiB unless `disk` says more or less, which all attempts share and which goes when the run ends. A step is begun again up to 20 times when its pod is taken away, whatever its `retry` says. Argo counts all attempts alike: a step that fails is repeated while there were fewer than `retry.attempts`, those that were interrupted included. Where volumes are of one zone, so are the attempts."},
		mlops.FeaturePipelineParallel:   {Support: mlops.Native},
		mlops.FeaturePipelineSchedule:   {Support: mlops.Native, Note: "As a CronWorkflow; a run is left out while the one before is under way. It reads datasets as they were when it was last applied."},
		mlops.FeaturePipelineTracked:    {Support: mlops.Native, Note: "Steps find the experiment in `MLFLOW_TRACKING_URI` and `MLFLOW_EXPERIMENT_NAME`."},
		mlops.FeaturePipelineDefinition: {Support: mlops.Native, Note: "A WorkflowTemplate of Argo Workflows."},
	}
}
