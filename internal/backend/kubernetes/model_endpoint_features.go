package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// endpointFeatures answers for model endpoints.
func endpointFeatures() map[mlops.Feature]mlops.Answer {
	steps := "The provider moves the route's weights step by step, and back where a gate fails. In Knative mode these are KServe's own `canaryTrafficPercent`."
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureEndpointSplit:        {Support: mlops.Native, Note: "Weights of the HTTPRoute, which change in place. At most 7 variants, whose servers speak the same protocol. Not in Knative mode."},
		mlops.FeatureEndpointScaling:      {Support: mlops.Native, Note: "With target.concurrency by KEDA and the gateway's figures in `prometheus_url`; else by a HorizontalPodAutoscaler, at 80 percent of CPU. It owns the number of replicas between min and max. In Knative mode Knative itself goes by requests in flight."},
		mlops.FeatureEndpointScaleToZero:  {Support: mlops.Native, Note: "By KEDA and an Istio gateway's figures in `prometheus_url`. Requests that come while a variant sleeps fail, and wake it. In Knative mode by Knative itself, and they wait."},
		mlops.FeatureEndpointGPU:          {Support: mlops.Native, Note: "By the device plugin's resource of its maker, `nvidia.com/gpu` where none is named. A type or a memory is found by the labels of GKE, NVIDIA's feature discovery and Karpenter."},
		mlops.FeatureEndpointNative:       {Support: mlops.Native, Note: "A value of the nodes' label `node.kubernetes.io/instance-type`."},
		mlops.FeatureEndpointDisk:         {Support: mlops.Native, Note: "As ephemeral storage."},
		mlops.FeatureEndpointAllAtOnce:    {Support: mlops.Native, Note: "When all new servers are ready."},
		mlops.FeatureEndpointCanary:       {Support: mlops.Emulated, Note: steps},
		mlops.FeatureEndpointLinear:       {Support: mlops.Emulated, Note: steps},
		mlops.FeatureEndpointBlueGreen:    {Support: mlops.Emulated, Note: steps},
		mlops.FeatureEndpointShadow:       {Support: mlops.Native, Note: "The route copies requests for the bake (RequestMirror), where the gateway has that; the provider judges the figures of the copies. They count in no check of data. Not in Knative mode."},
		mlops.FeatureEndpointGates:        {Support: mlops.Emulated, Note: "The provider judges Prometheus' figures of each server: give the environment a `prometheus_url`. KServe's own `metrics` count no errors."},
		mlops.FeatureEndpointKeepPrevious: {Support: mlops.Native, Note: "As part of the change, which is not over before. None unless the rollout says how long. Not in Knative mode."},
		mlops.FeatureEndpointCapture:      {Support: mlops.Native, Note: "All requests, by KServe's logger, to `capture_url` or below `storage_uri` in S3 or Google Cloud Storage: sample_percent is 100."},
		mlops.FeatureEndpointSmokeTest:    {Support: mlops.Emulated, Note: "The provider sends the request to each new server before it gets traffic, through the gateway, or through the API server where the gateway cannot be reached. Not in Knative mode."},
		mlops.FeatureEndpointSchedule:     {Support: mlops.NotProvided, Note: "KServe's endpoints serve at all times: let variants sleep by scaling.min = 0 instead, or destroy and apply on a schedule of your CI."},
		mlops.FeatureEndpointToken:        {Support: mlops.NotProvided, Note: "Who may call is the gateway's to say: attach a policy of its makers to native.http_route."},
		mlops.FeatureEndpointProtect:      {Support: mlops.Emulated, Note: "The provider refuses to delete it; the cluster itself does not."},
		mlops.FeatureEndpointOverrides:    {Support: mlops.Native, Note: "`InferenceService`, of which `spec.predictor` is merged into that of every variant."},
	}
}
