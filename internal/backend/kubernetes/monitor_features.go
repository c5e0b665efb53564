package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// jobOfMonitors says what the checks of data need.
const jobOfMonitors = "By a CronWorkflow, whose job is the provider's own image and reads what KServe's logger keeps in S3 or Google Cloud Storage."

// monitorFeatures answers for monitors.
func monitorFeatures() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureMonitorHealth: {
			Support: mlops.Native,
			Note: "Alerts of a PrometheusRule, which is judged all the time, over the window, of all servers of the endpoint together. KServe's own `metrics` count no errors, and are then collected by a ServiceMonitor. " +
				"Where Prometheus selects rules by labels, give the monitor these labels.",
		},
		mlops.FeatureMonitorDataDrift:       {Support: mlops.Native, Note: jobOfMonitors},
		mlops.FeatureMonitorPredictionDrift: {Support: mlops.Native, Note: jobOfMonitors},
		mlops.FeatureMonitorDataQuality:     {Support: mlops.Native, Note: jobOfMonitors},
		mlops.FeatureMonitorModelQuality:    {Support: mlops.Native, Note: jobOfMonitors + " The truth is a file or folder in storage; its request_id is the request's Ce-Id header."},
		mlops.FeatureMonitorBias:            {Support: mlops.Native, Note: jobOfMonitors},
		mlops.FeatureMonitorExplainability:  {Support: mlops.NotProvided, Note: "An explainer of KServe's explains an answer when it is asked to, and compares nothing with a baseline: run one as a step of a pipeline, on the captured requests."},
		mlops.FeatureMonitorBaselineDataset: {Support: mlops.Native, Note: "As the dataset was when the monitor was last changed."},
		mlops.FeatureMonitorBaselineRun:     {Support: mlops.Native},
		mlops.FeatureMonitorBaselineURI:     {Support: mlops.Native, Note: "What Argo Workflows can fetch: https://, s3://, gs:// or mlflow-artifacts:/."},
		mlops.FeatureMonitorWebhook: {
			Support: mlops.Native,
			Note: "By an AlertmanagerConfig: the webhook gets Alertmanager's own message, not the report. Alerts of checks other than health need the environment's `pushgateway_url`. " +
				"Where Alertmanager selects configurations by labels, give the monitor these labels.",
		},
		mlops.FeatureMonitorEmails: {
			Support: mlops.Native,
			Note: "By the same AlertmanagerConfig, which names who gets mail and no server: Alertmanager's own configuration has to have `smtp_smarthost` and `smtp_from` as `global`, or the Prometheus operator takes no new configuration in. " +
				"A server for this monitor alone goes into `overrides`, as `emailConfigs` of the AlertmanagerConfig's `receivers`.",
		},
		mlops.FeatureMonitorRetraining: {
			Support: mlops.Native,
			Note:    "A step of the job's workflow, which keeps in a Lease what it started. Health starts no pipeline.",
		},
		mlops.FeatureMonitorOverrides: {Support: mlops.Native, Note: monitorOverridesNote},
	}
}
