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
		mlops.FeatureMonitorPredictionDrift: {
			Support: mlops.Native,
			Note:    modelMonitor + " Its statistic is ks. The baseline needs a column of predictions.",
		},
		mlops.FeatureMonitorDataQuality: {
			Support: mlops.Native,
			Note:    modelMonitor + " It does not look at ranges.",
		},
		mlops.FeatureMonitorModelQuality: {
			Support: mlops.Native,
			Note: modelMonitor + " The truth is a folder in S3 in its own form, a label for each request of one instance; see the guide. " +
				"It measures accuracy, precision, recall, f1, r2, rmse and mae, of the labels 1 and 0 where there are two.",
		},
		mlops.FeatureMonitorBias: {
			Support: mlops.Native,
			Note: modelMonitor + " By its SageMaker Clarify, for 2 to 10 groups that the baseline shows; of more than two, each is compared with all others. " +
				"It needs model_quality, with labels in Clarify's form in the folder bias of the truth; see the guide.",
		},
		mlops.FeatureMonitorExplainability: {
			Support: mlops.Native,
			Note: modelMonitor + " By its SageMaker Clarify, which asks a copy of the endpoint's model for as long as the job takes, and judges by min_ndcg = 0.9. " +
				"It needs baseline.features and predictions that are numbers, and explains the model that most of the traffic goes to; a change of the endpoint takes it along. See the guide.",
		},
		mlops.FeatureMonitorBaselineDataset: {Support: mlops.Native},
		mlops.FeatureMonitorBaselineRun:     {Support: mlops.Native},
		mlops.FeatureMonitorBaselineURI:     {Support: mlops.Native},
		mlops.FeatureMonitorWebhook:         {Support: mlops.NotProvided, Note: "SNS asks its receivers to confirm: subscribe them to the topic in native.topic_arn."},
		mlops.FeatureMonitorOverrides:       {Support: mlops.Native, Note: monitorOverridesNote},
		mlops.FeatureMonitorEmails:          {Support: mlops.Native, Note: "By SNS, which asks each receiver to confirm first."},
		mlops.FeatureMonitorRetraining:      {Support: mlops.Native, Note: "By an EventBridge rule, at each violation; it counts nothing, so that cooldown and max_per_month must be left out."},
	}
}
