package local

import (
	"maps"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// noTypes refuses a machine type by name.
const noTypes = "This machine has no types: ask for cpu and memory."

// capabilities answers every feature. Names follow the portable rule.
func capabilities() mlops.Capabilities {
	features := map[mlops.Feature]mlops.Answer{
		mlops.FeatureEnvironmentRetention: {Support: mlops.Native},
		mlops.FeatureEnvironmentProtect:   {Support: mlops.Native},
		mlops.FeatureEnvironmentBudget:    {Support: mlops.NotProvided, Note: "Nothing is charged for this machine: leave budget out."},
		mlops.FeatureEnvironmentMLflow:    {Support: mlops.Native, Note: "Bytes are kept here too, and endpoints serve those."},

		mlops.FeatureVersionFile:    {Support: mlops.Native},
		mlops.FeatureVersionRun:     {Support: mlops.Native},
		mlops.FeatureVersionSklearn: {Support: mlops.Native},
		mlops.FeatureVersionXGBoost: {Support: mlops.Native},
		mlops.FeatureVersionMLflow:  {Support: mlops.Native},
		mlops.FeatureVersionONNX:    {Support: mlops.Native},
		mlops.FeatureVersionCustom:  {Support: mlops.Native},
		mlops.FeatureVersionCommand: {Support: mlops.Native},
		mlops.FeatureVersionImage:   {Support: mlops.NotProvided, Note: "Model servers are processes here: use command."},
		mlops.FeatureVersionAliases: {Support: mlops.Native},

		mlops.FeatureVersionOverrides: {Support: mlops.NotProvided, Note: "The engine has no requests of its own below this: leave overrides out."},

		mlops.FeatureEndpointSplit:        {Support: mlops.Native},
		mlops.FeatureEndpointScaling:      {Support: mlops.Native},
		mlops.FeatureEndpointScaleToZero:  {Support: mlops.Native},
		mlops.FeatureEndpointGPU:          {Support: mlops.NotProvided, Note: "Model servers see the accelerators that this machine has: leave accelerator out, or use a backend that schedules them."},
		mlops.FeatureEndpointNative:       {Support: mlops.NotProvided, Note: noTypes},
		mlops.FeatureEndpointDisk:         {Support: mlops.NotProvided, Note: "Model servers use the disk of this machine: leave disk out."},
		mlops.FeatureEndpointAllAtOnce:    {Support: mlops.Native},
		mlops.FeatureEndpointCapture:      {Support: mlops.Native},
		mlops.FeatureEndpointSmokeTest:    {Support: mlops.Native},
		mlops.FeatureEndpointCanary:       {Support: mlops.Native},
		mlops.FeatureEndpointLinear:       {Support: mlops.Native},
		mlops.FeatureEndpointBlueGreen:    {Support: mlops.Native},
		mlops.FeatureEndpointShadow:       {Support: mlops.Native},
		mlops.FeatureEndpointGates:        {Support: mlops.Native},
		mlops.FeatureEndpointKeepPrevious: {Support: mlops.Native, Note: "Beside the change, which is over meanwhile: 10m unless the rollout says how long."},
		mlops.FeatureEndpointSchedule:     {Support: mlops.Native},
		mlops.FeatureEndpointToken:        {Support: mlops.Native},
		mlops.FeatureEndpointProtect:      {Support: mlops.Native},
		mlops.FeatureEndpointOverrides:    {Support: mlops.NotProvided, Note: "The engine has no requests of its own below this: leave overrides out."},
	}
	maps.Copy(features, pipelines())
	maps.Copy(features, watching())
	return mlops.Capabilities{Features: features}
}

// pipelines answers for pipelines.
func pipelines() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeaturePipelineScript:   {Support: mlops.Native},
		mlops.FeaturePipelineCommand:  {Support: mlops.Native},
		mlops.FeaturePipelineImage:    {Support: mlops.NotProvided, Note: "Steps are processes here: use script or command, and packages for what they need."},
		mlops.FeaturePipelinePackages: {Support: mlops.Native},
		mlops.FeaturePipelineWhen:     {Support: mlops.Native},
		mlops.FeaturePipelineRetry:    {Support: mlops.Native},
		mlops.FeaturePipelineTimeout:  {Support: mlops.Native},
		mlops.FeaturePipelineCache:    {Support: mlops.Native},
		mlops.FeaturePipelineCPU:      {Support: mlops.Emulated, Note: "Bounds how many steps run at once and hints at a number of threads; a process is not held to it."},
		mlops.FeaturePipelineMemory:   {Support: mlops.Emulated, Note: "A step that is measured to use more is ended."},
		mlops.FeaturePipelineGPU:      {Support: mlops.NotProvided, Note: "Steps see the accelerators that this machine has: leave accelerator out, or use a backend that schedules them."},
		mlops.FeaturePipelineNative:   {Support: mlops.NotProvided, Note: noTypes},
		mlops.FeaturePipelineDisk:     {Support: mlops.NotProvided, Note: "Steps use the disk of this machine: leave disk out."},
		mlops.FeaturePipelineSpot:     {Support: mlops.Emulated, Note: "Nobody takes this machine away. The step runs as any other, and has a directory for checkpoints that its attempts share."},
		mlops.FeaturePipelineParallel: {Support: mlops.Native},
		mlops.FeaturePipelineSchedule: {Support: mlops.Native},
		mlops.FeaturePipelineTracked:  {Support: mlops.Native},

		mlops.FeaturePipelineDefinition: {Support: mlops.NotProvided, Note: "The engine has no other language for pipelines: use steps."},
	}
}

// watching answers for data, and for what watches endpoints with them.
func watching() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureDatasetURI:     {Support: mlops.Native},
		mlops.FeatureDatasetRun:     {Support: mlops.Native},
		mlops.FeatureDatasetCSV:     {Support: mlops.Native},
		mlops.FeatureDatasetJSONL:   {Support: mlops.Native},
		mlops.FeatureDatasetParquet: {Support: mlops.Native},
		mlops.FeatureDatasetSchema:  {Support: mlops.Native},
		mlops.FeatureDatasetChecks:  {Support: mlops.Native},

		mlops.FeatureMonitorDataDrift:       {Support: mlops.Native},
		mlops.FeatureMonitorPredictionDrift: {Support: mlops.Native},
		mlops.FeatureMonitorDataQuality:     {Support: mlops.Native},
		mlops.FeatureMonitorModelQuality:    {Support: mlops.Native},
		mlops.FeatureMonitorBias:            {Support: mlops.Native},
		mlops.FeatureMonitorExplainability:  {Support: mlops.NotProvided, Note: "The engine computes no SHAP values: use data_drift and prediction_drift, which see the same data change."},
		mlops.FeatureMonitorHealth:          {Support: mlops.Native},
		mlops.FeatureMonitorBaselineDataset: {Support: mlops.Native},
		mlops.FeatureMonitorBaselineRun:     {Support: mlops.Native},
		mlops.FeatureMonitorBaselineURI:     {Support: mlops.Native},
		mlops.FeatureMonitorWebhook:         {Support: mlops.Native},
		mlops.FeatureMonitorEmails:          {Support: mlops.Native},
		mlops.FeatureMonitorRetraining:      {Support: mlops.Native},
		mlops.FeatureMonitorOverrides:       {Support: mlops.NotProvided, Note: "The engine has no requests of its own below this: leave overrides out."},
	}
}
