package sagemaker

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// endpointFeatures answers for model endpoints.
func endpointFeatures() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureEndpointSplit:        {Support: mlops.Native, Note: "Weights change in place, without new machines."},
		mlops.FeatureEndpointScaling:      {Support: mlops.Native, Note: "Application Auto Scaling follows the number of requests in flight of each model copy; it owns the number of machines between min and max."},
		mlops.FeatureEndpointScaleToZero:  {Support: mlops.Native, Note: "A serverless variant, the endpoint's only one: 2Gi of memory unless asked for, at most 6Gi, and max times target.concurrency requests at once, at most 200. SageMaker chooses when it sleeps. It has no machine type, capture, network of its own or rollout in steps. It can get machines later, and one with machines cannot become serverless."},
		mlops.FeatureEndpointGPU:          {Support: mlops.Native},
		mlops.FeatureEndpointNative:       {Support: mlops.Native, Note: "Such as ml.g5.xlarge."},
		mlops.FeatureEndpointDisk:         {Support: mlops.Native, Note: "Up to 512Gi; not on types with disks of their own."},
		mlops.FeatureEndpointAllAtOnce:    {Support: mlops.Native},
		mlops.FeatureEndpointCanary:       {Support: mlops.Native, Note: "One step of at most 50 percent, 10 if none is given, between variants of the same names."},
		mlops.FeatureEndpointLinear:       {Support: mlops.Native, Note: "Steps of 10 to 50 percent, between variants of the same names."},
		mlops.FeatureEndpointBlueGreen:    {Support: mlops.Native},
		mlops.FeatureEndpointShadow:       {Support: mlops.Native, Note: "Of endpoints with one variant: requests are copied for the bake, a day at most, and the provider judges CloudWatch's figures of the copies, which are by the minute and a minute late."},
		mlops.FeatureEndpointGates:        {Support: mlops.Native, Note: "CloudWatch alarms on all requests of a variant, old and new machines together, over the bake; min_requests is how many a window needs to be judged, and fewer pass."},
		mlops.FeatureEndpointKeepPrevious: {Support: mlops.Native, Note: "At most 1h, and as part of the change, which is not over before. None unless the rollout says how long."},
		mlops.FeatureEndpointCapture:      {Support: mlops.Native, Note: "To captures/ in the environment's bucket."},
		mlops.FeatureEndpointSmokeTest:    {Support: mlops.Emulated, Note: "The provider sends the request to each variant when the change has all of its traffic, and takes the change back if the answer is another."},
		mlops.FeatureEndpointSchedule:     {Support: mlops.NotProvided, Note: "Endpoints of SageMaker serve until they are deleted: bound the cost with scaling, or destroy and apply on a schedule of your CI."},
		mlops.FeatureEndpointToken:        {Support: mlops.NotProvided, Note: "Requests are signed with AWS credentials: grant sagemaker:InvokeEndpoint on native.endpoint_arn."},
		mlops.FeatureEndpointProtect:      {Support: mlops.Emulated, Note: "The provider refuses to delete it; AWS itself does not."},
		mlops.FeatureEndpointOverrides:    {Support: mlops.Native, Note: endpointOverridesNote},
	}
}
