package sagemaker

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// modelMonitor says what the checks of data need.
const modelMonitor = "By SageMaker Model Monitor, which AWS opens to accounts that used it before."

// monitorFeatures answers for monitors.
func monitorFeatures() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureMonitorHealth: {Support: mlops.Native, Note: "CloudWatch alarms look all the time, over the window, for each variant that the endpoint had when the monitor was last changed."},
		mlops.FeatureMonitorDataDrift: {
			Support: mlops.Native,
			Note:    modelMonitor + " Its statistic is ks, of every feature.",
		},
		mlops.FeatureMonitorDataQuality: {
			Support: mlops.Native,
			Note:    modelMonitor + " It does not look at ranges.",
		},
		mlops.FeatureMonitorPredictionDrift: {Support: mlops.NotProvided, Note: "Model Monitor compares predictions with all other columns: use data_drift, with predictions in the baseline."},
		mlops.FeatureMonitorModelQuality:    {Support: mlops.NotProvided, Note: "Its ground truth has another form there; compare in a pipeline, and use the run's metrics."},
		mlops.FeatureMonitorBias:            {Support: mlops.NotProvided, Note: "Compare groups in a pipeline, and use the run's metrics."},
		mlops.FeatureMonitorBaselineDataset: {Support: mlops.Native},
		mlops.FeatureMonitorBaselineRun:     {Support: mlops.Native},
		mlops.FeatureMonitorBaselineURI:     {Support: mlops.Native},
		mlops.FeatureMonitorWebhook:         {Support: mlops.NotProvided, Note: "SNS asks its receivers to confirm: subscribe them to the topic in native.topic_arn."},
		mlops.FeatureMonitorEmails:          {Support: mlops.Native, Note: "By SNS, which asks each receiver to confirm first."},
		mlops.FeatureMonitorRetraining:      {Support: mlops.Native, Note: "By an EventBridge rule, at each violation; it counts nothing, so that cooldown and max_per_month must be left out."},
	}
}
