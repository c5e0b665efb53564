package sagemaker

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// pipelineFeatures answers for pipelines.
func pipelineFeatures() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeaturePipelineScript:     {Support: mlops.Native, Note: "As processing jobs, in AWS's scikit-learn image unless the step names one with Python."},
		mlops.FeaturePipelineCommand:    {Support: mlops.Native, Note: "As processing jobs, in AWS's scikit-learn image unless the step names one."},
		mlops.FeaturePipelineImage:      {Support: mlops.Native},
		mlops.FeaturePipelinePackages:   {Support: mlops.Native, Note: "Installed when the job starts, which needs a way to an index of packages."},
		mlops.FeaturePipelineWhen:       {Support: mlops.Native, Note: "By condition steps, of which none can be inside another: the metrics that decide must be of steps that always run."},
		mlops.FeaturePipelineRetry:      {Support: mlops.Native, Note: "A failing step is repeated within its job; what SageMaker fails at, by its own policies."},
		mlops.FeaturePipelineTimeout:    {Support: mlops.Native},
		mlops.FeaturePipelineCache:      {Support: mlops.Native, Note: "For 30 days, or as long as runs are kept. A step on spot capacity is always run: SageMaker tells work apart by where its checkpoints are, which are the run's own."},
		mlops.FeaturePipelineCPU:        {Support: mlops.Native, Note: "The cheapest machine type that has them."},
		mlops.FeaturePipelineMemory:     {Support: mlops.Native, Note: "The cheapest machine type that has it."},
		mlops.FeaturePipelineGPU:        {Support: mlops.Native, Note: "The cheapest machine type that has it."},
		mlops.FeaturePipelineNative:     {Support: mlops.Native},
		mlops.FeaturePipelineDisk:       {Support: mlops.Native},
		mlops.FeaturePipelineSpot:       {Support: mlops.Native, Note: "As training jobs, which alone have it, on a type that is offered for training. Prices are those on demand: what spot capacity costs changes by the hour. A job waits for it a day longer than the step may take, five days in all at most. A command in an image of yours needs a shell there, which makes the folders."},
		mlops.FeaturePipelineParallel:   {Support: mlops.Native},
		mlops.FeaturePipelineSchedule:   {Support: mlops.Native, Note: "By EventBridge Scheduler."},
		mlops.FeaturePipelineTracked:    {Support: mlops.Native},
		mlops.FeaturePipelineDefinition: {Support: mlops.Native},
	}
}
