package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestMonitorJobs has Argo's own validation judge the jobs of every kind of storage, and
// proves where they read and as whom.
func TestMonitorJobs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings mlops.Settings
		folder   string
		env      map[string]string // of the container that fetches; a secret's as "secret:key"
	}{
		{"S3", mlops.Settings{targetStorage: "s3://bucket/ml", targetStorageRegion: "eu-west-1"}, "bucket/ml/dev", map[string]string{
			"RCLONE_CONFIG_CAPTURES_TYPE": "s3", "RCLONE_CONFIG_CAPTURES_ENV_AUTH": "true", "RCLONE_CONFIG_CAPTURES_PROVIDER": "AWS", "RCLONE_CONFIG_CAPTURES_REGION": "eu-west-1",
		}},
		{"an S3 of one's own", mlops.Settings{targetStorage: "s3://bucket", targetStorageURL: "http://minio:9000", targetStorageSecret: "keys", targetPodSecurity: "restricted"}, "bucket/dev", map[string]string{
			"RCLONE_CONFIG_CAPTURES_TYPE": "s3", "RCLONE_CONFIG_CAPTURES_ENV_AUTH": "true", "RCLONE_CONFIG_CAPTURES_PROVIDER": "Other",
			"RCLONE_CONFIG_CAPTURES_ENDPOINT": "http://minio:9000", "AWS_ACCESS_KEY_ID": "keys:AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY": "keys:AWS_SECRET_ACCESS_KEY",
		}},
		{"Google", mlops.Settings{targetStorage: "gs://bucket"}, "bucket/dev", map[string]string{
			"RCLONE_CONFIG_CAPTURES_TYPE": "google cloud storage", "RCLONE_CONFIG_CAPTURES_BUCKET_POLICY_ONLY": "true", "RCLONE_CONFIG_CAPTURES_ENV_AUTH": "true",
		}},
		{"Google with a key", mlops.Settings{targetStorage: "gs://bucket", targetStorageSecret: "keys", targetPushgateway: "http://pushgateway:9091/"}, "bucket/dev", map[string]string{
			"RCLONE_CONFIG_CAPTURES_TYPE": "google cloud storage", "RCLONE_CONFIG_CAPTURES_BUCKET_POLICY_ONLY": "true",
			"RCLONE_CONFIG_CAPTURES_SERVICE_ACCOUNT_CREDENTIALS": "keys:gcloud-application-credentials.json",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := watchScene(test.settings)
			job := jobIn(t, s)
			text, err := json.Marshal(map[string]any{
				"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": map[string]any{"name": "job", "namespace": "dev"}, "spec": job,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := kubetest.CheckWorkflows(t, string(text)); err != nil {
				t.Error(err)
			}
			check := job.Templates[1]
			got := environmentOf(check.Before[0].Env)
			test.env["FOLDER"], test.env["INCLUDE"], test.env["MAX_AGE"], test.env["RCLONE_CONFIG"] = test.folder, "/churn-??????????/*/captures/churn/**", "14400s", "/notfound"
			if diff := cmp.Diff(test.env, got); diff != "" {
				t.Errorf("what fetches captures is told (-want +got):\n%s", diff)
			}
			wantArguments(t, s, *check.Container)
		})
	}
}

// jobIn is the job of a monitor with a baseline and a truth, that waits two hours for
// that.
func jobIn(t *testing.T, s scene) workflowSpec {
	t.Helper()
	spec := watchSpec()
	spec.Baseline = &mlops.Baseline{URI: "https://example.com/data.csv?x=1"}
	spec.DataDrift = &mlops.DriftCheck{}
	spec.ModelQuality = &mlops.ModelQualityCheck{Task: "regression", GroundTruth: "s3://elsewhere/truth/", Max: map[string]float64{"rmse": 1}, Delay: 2 * 3600e9}
	k := monitorKind{backend: open(mlops.Options{Version: "v1.2.3"})}
	in, err := k.inputs(t.Context(), s, &spec)
	if err != nil {
		t.Fatal(err)
	}
	job, err := k.monitorWorkflow(s, spec, in)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// environmentOf are variables by name.
func environmentOf(all []envVar) map[string]string {
	out := map[string]string{}
	for _, v := range all {
		out[v.Name] = v.Value
		if key := asSecretKey(v.ValueFrom, "secretKeyRef"); key.Name != "" {
			out[v.Name] = key.Name + ":" + key.Key
		}
	}
	return out
}

func wantArguments(t *testing.T, s scene, c container) {
	t.Helper()
	want := "drift --monitor /mlops/monitor/monitor.json --id " + string(s.id) + " --captures /mlops/captures" +
		" --baseline /mlops/inputs/baseline/data.csv --truth /mlops/inputs/truth/truth" +
		" --report /mlops/outputs/report --verdict /mlops/outputs/verdict --violated /mlops/outputs/violated"
	if s.pushgateway() != "" {
		want += " --push http://pushgateway:9091"
	}
	if diff := cmp.Diff(want, strings.Join(c.Args, " ")); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if c.Image != "ghcr.io/terraform-mlops/terraform-provider-mlops:1.2.3" {
		t.Errorf("the image is %s", c.Image)
	}
}
