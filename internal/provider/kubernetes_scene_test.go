package provider

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// kubernetesScene is a scene in a namespace of the cluster that acceptance tests share,
// with a real MLflow server as the registry.
func kubernetesScene(t *testing.T) *scene {
	t.Helper()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	c := newCheckout(t)
	name := "acc" + c.suffix
	const nowhere = "http://127.0.0.1:1" // nobody looks at figures
	target := mlops.Settings{"gateway": accGateway.Start(t, &accCluster), "storage_uri": "s3://models", "prometheus_url": nowhere, "pushgateway_url": nowhere}
	s := newSceneOn(t, ground{
		factory: kubernetes.Factory(), settings: c.settings,
		environment: mlops.EnvironmentSpec{
			ID: mlops.EnvironmentID("kubernetes", []string{"test"}, name), Name: name, Target: mlops.Target{Settings: target},
			Registry: &mlops.Registry{MLflow: &mlops.MLflow{URI: c.gate}},
		},
		// Who may call is the gateway's to say, and what is kept is kept as a part of a change.
		endpoint: func(spec *mlops.ModelEndpointSpec) { spec.Access, spec.Rollout.KeepPrevious = "", nil },
	})
	s.suffix = c.suffix
	return s
}

// strangers are objects that lie where the provider's own lie, some with its labels.
const strangers = `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: theirs, labels: {app.kubernetes.io/managed-by: terraform-provider-mlops, terraform-mlops.github.io/resource: pipeline}}
spec: {entrypoint: main, templates: [{name: main, container: {image: busybox}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: train-theirs}
spec: {suspend: true, workflowTemplateRef: {name: theirs}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: theirs, labels: {app.kubernetes.io/managed-by: terraform-provider-mlops, terraform-mlops.github.io/resource: model_endpoint}}
spec: {hostnames: [theirs.example.com]}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: theirs}
spec: {groups: [{name: theirs, rules: [{record: one, expr: "1"}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: theirs, labels: {app.kubernetes.io/managed-by: terraform-provider-mlops, terraform-mlops.github.io/resource: environment}}
data: {a: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: watch-theirs, labels: {app.kubernetes.io/managed-by: terraform-provider-mlops, terraform-mlops.github.io/resource: monitor}}
data: {a: b}
`

// settleStrangers puts what no list may show beside the scene's objects: somebody else's
// in its namespace and in its registry.
func (s *scene) settleStrangers(t *testing.T) {
	t.Helper()
	name := s.environment.Name()
	accCluster.Apply(t, name, strangers)
	uri := look(t, s, s.environment, mlops.NounEnvironment, mlops.Backend.Environments).Spec.Registry.MLflow.URI + "/api/2.0/mlflow"
	const versions = "/model-versions/"
	name = `"name": "` + name
	for call, body := range map[string]string{
		"/experiments/create":       name + `.theirs"`,
		"/registered-models/create": name + `.theirs"`,
		versions + "create":         name + `.churn", "source": "s3://theirs/model"`,
	} {
		askMLflow(t.Context(), t, http.MethodPost, uri+call, body)
	}
	t.Cleanup(func() { // the model goes with the scene, and not while somebody else's version is there
		askMLflow(context.WithoutCancel(t.Context()), t, http.MethodDelete, uri+versions+"delete", name+`.churn", "version": "3"`)
	})
}

// askMLflow makes one call of MLflow's API with the members of an object.
func askMLflow(ctx context.Context, t *testing.T, method, url, members string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader("{"+members+"}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", url, resp.Status)
	}
}
