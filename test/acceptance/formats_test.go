package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// trained is a pipeline that trains a model on data that comes inside
// scikit-learn, and an endpoint that serves it with the format's own server.
const trained = environment + `
variable "format" { type = string }
variable "packages" { type = list(string) }
variable "save" { type = string }
locals {
  script = join("\n", [
    "import os",
    "from sklearn.datasets import load_iris",
    "data, out = load_iris(), os.environ['MLOPS_OUTPUT_MODEL']",
    var.save,
  ])
}
resource "mlops_pipeline" "p" {
  environment = mlops_environment.e.id
  name        = "p"
  steps       = { train = { script = local.script, packages = var.packages, outputs = ["model"] } }
}
resource "mlops_pipeline_run" "r" {
  pipeline = mlops_pipeline.p.id
  triggers = { code = mlops_pipeline.p.version }
}
resource "mlops_model" "m" {
  environment = mlops_environment.e.id
  name        = "iris"
}
resource "mlops_model_version" "v" {
  model  = mlops_model.m.id
  run    = mlops_pipeline_run.r.id
  output = "model"
  format = var.format
}
resource "mlops_model_endpoint" "x" {
  environment = mlops_environment.e.id
  name        = "iris"
  variants    = { main = { version = mlops_model_version.v.id, traffic = 100 } }
  smoke_test  = { request = jsonencode({ instances = [[5.1, 3.5, 1.4, 0.2]] }) }
}
output "url" { value = mlops_model_endpoint.x.url }
`

// TestAccFormats trains a real model of each format, serves it, and asks it in
// both protocols: a setosa, and a virginica.
func TestAccFormats(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format   string
		packages []string
		save     string
	}{
		{"sklearn", []string{"scikit-learn==1.7.2"}, `
import joblib
from sklearn.ensemble import RandomForestClassifier
joblib.dump(RandomForestClassifier(random_state=0).fit(data.data, data.target), out)`},
		{"xgboost", []string{"xgboost-cpu==3.2.0", "scikit-learn==1.7.2"}, `
from xgboost import XGBClassifier
# The server answers with what the booster itself predicts: classes, not the
# probabilities that are scikit-learn's default.
XGBClassifier(n_estimators=10, objective="multi:softmax").fit(data.data, data.target).save_model(out + ".ubj")
os.rename(out + ".ubj", out)`},
		{"onnx", []string{"onnxruntime==1.23.2", "skl2onnx==1.19.1", "onnx==1.19.1", "scikit-learn==1.7.2"}, `
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(max_iter=1000).fit(data.data, data.target)
with open(out, "wb") as f:
    f.write(to_onnx(model, data.data[:1].astype("float32"), options={"zipmap": False}).SerializeToString())`},
		{"mlflow", []string{"mlflow-skinny==3.4.0", "scikit-learn==1.7.2", "pandas==2.3.3"}, `
import mlflow.sklearn
from sklearn.linear_model import LogisticRegression
mlflow.sklearn.save_model(LogisticRegression(max_iter=1000).fit(data.data, data.target), out)`},
	}
	for _, tt := range tests {
		t.Run(tt.format, func(t *testing.T) {
			t.Parallel()
			w := workspace(t, trained)
			vars, err := json.Marshal(map[string]any{"format": tt.format, "packages": tt.packages, "save": strings.TrimSpace(tt.save)})
			if err != nil {
				t.Fatal(err)
			}
			w.Write("test.auto.tfvars.json", string(vars))
			w.Apply()
			url := w.Output("url")
			v1 := ask(t, url, `{"instances": [[5.1, 3.5, 1.4, 0.2], [6.9, 3.1, 5.4, 2.1]]}`)
			v2 := ask(t, url, `{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 4], "data": [5.1, 3.5, 1.4, 0.2, 6.9, 3.1, 5.4, 2.1]}]}`)
			if got := v1["predictions"]; !startsWith(got, 0, 2) {
				t.Errorf("predictions %v, want classes 0 and 2", v1)
			}
			outputs, _ := v2["outputs"].([]any)
			if len(outputs) == 0 {
				t.Fatalf("no outputs: %v", v2)
			}
			if first, _ := outputs[0].(map[string]any); !startsWith(first["data"], 0, 2) {
				t.Errorf("outputs %v, want classes 0 and 2", v2)
			}
			w.PlanIsEmpty()
		})
	}
}

// ask sends a request and returns the answer's JSON.
func ask(t *testing.T, url, request string) map[string]any {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v, %v", resp.StatusCode, answer, err)
	}
	return answer
}

// startsWith reports whether a JSON array starts with these numbers.
func startsWith(v any, want ...float64) bool {
	list, ok := v.([]any)
	if !ok || len(list) < len(want) {
		return false
	}
	for i, n := range want {
		if got, ok := list[i].(float64); !ok || got != n {
			return false
		}
	}
	return true
}
