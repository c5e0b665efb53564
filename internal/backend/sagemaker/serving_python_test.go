package sagemaker

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
)

// inTraining saves real models in every format into a folder.
const inTraining = `
import json, sys
import joblib, mlflow.sklearn, numpy as np, pandas as pd, xgboost
from sklearn.linear_model import LinearRegression, LogisticRegression
from onnx import TensorProto, helper, save

folder = sys.argv[1]
X, y = np.array([[0.0], [1.0], [2.0]]), np.array([5.0, 7.0, 9.0])
joblib.dump(LinearRegression().fit(X, y), folder + "/line.joblib")
words = LogisticRegression(C=1e6).fit(pd.DataFrame({"x": [0.0, 0.1, 1.0, 0.9]}), ["no", "no", "yes", "yes"])
joblib.dump(words, folder + "/words.joblib")
mlflow.sklearn.save_model(LinearRegression().fit(X, y), folder + "/flow", pip_requirements=[], serialization_format="cloudpickle")
joblib.dump({"weights": [1]}, folder + "/dict.joblib")
trees = xgboost.train({"max_depth": 2, "base_score": 0.0, "eta": 1.0, "lambda": 0.0}, xgboost.DMatrix(X, y), 1)
trees.save_model(folder + "/trees.json")
value = helper.make_tensor_value_info
double = helper.make_node("Add", ["x", "x"], ["y"])
graph = helper.make_graph([double], "double", [value("x", TensorProto.FLOAT, [None, 1])], [value("y", TensorProto.FLOAT, [None, 1])])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder + "/double.onnx")
`

// inContainer serves by the toolkits that SageMaker's containers are made of, as
// AWS publishes them: that of scikit-learn's, behind Flask, and that of XGBoost's,
// whose server gives it a context. Both must say the same. The former was published
// for a Python that had collections.Mapping, which AWS mends in its image as here.
const inContainer = `
import collections, collections.abc, json, os, sys
collections.Mapping = collections.abc.Mapping
from sagemaker_containers.beta.framework import transformer, worker
from sagemaker_inference.transformer import Transformer
sys.path.insert(0, sys.argv[1])
import inference

def by_flask(body, kind):
    t = transformer.Transformer(inference.model_fn, inference.input_fn, inference.predict_fn, inference.output_fn)
    t.initialize()
    client = worker.Worker(transform_fn=t.transform, module_name="inference").test_client()
    answer = client.post("/invocations", data=body, content_type=kind)
    return answer.status_code, answer.mimetype, answer.get_data(as_text=True)

class Context:
    status, kind = 200, ""
    system_properties = {"model_dir": "/opt/ml/model"}
    def __init__(self, kind): self.properties, self.request_processor = {"Content-Type": kind}, [self]
    def get_request_properties(self): return self.properties
    def set_response_status(self, code, phrase): self.status = code
    def set_response_content_type(self, i, kind): self.kind = kind

def by_handler(body, kind):
    context = Context(kind)
    answer = Transformer().transform([{"body": body.encode()}], context)
    return context.status, context.kind, answer[0]

def answers(request):
    os.environ["MODEL_FORMAT"], os.environ["MODEL_PATH"] = request["format"], request["path"]
    for serve in by_flask, by_handler:
        try:
            yield " ".join(map(str, serve(request["body"], request["type"])))
        except Exception as e:
            yield "load " + str(e)

json.dump([list(answers(r)) for r in json.loads(sys.argv[2])], sys.stdout)
`

// TestInferenceCode runs the code of the containers on real models.
func TestInferenceCode(t *testing.T) {
	t.Parallel()
	env, err := pyenvtest.Ensure(
		t.Context(),
		"scikit-learn==1.7.2", "pandas==2.3.3", "xgboost-cpu==3.2.0", "onnx==1.19.1", "onnxruntime==1.23.2", "mlflow-skinny==3.17.2",
		"sagemaker-inference==1.10.1", "sagemaker-containers==2.8.6.post2", "boto3==1.35.99", "botocore==1.35.99",
		"werkzeug==1.0.1", "jinja2==2.11.3", "markupsafe==2.0.1", "itsdangerous==1.1.0", "setuptools==75.8.0",
	)
	if err != nil {
		t.Fatal(err)
	}
	models := t.TempDir()
	python(t, env, nil, "-c", inTraining, models)
	tests := inferenceTests(models)
	var requests []map[string]string
	for _, tt := range tests {
		requests = append(requests, map[string]string{
			"format": tt.format, "path": filepath.Join(models, tt.path), "body": tt.body, "type": tt.contentType,
		})
	}
	asked, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	var vars []string
	for name, value := range (serving{prebuilt: true}).container(place{}, versionFacts{}).Environment {
		vars = append(vars, name+"="+value)
	}
	var answers [][]string // by test: of each container
	if err := json.Unmarshal([]byte(python(t, env, vars, "-c", inContainer, "serve", string(asked))), &answers); err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		for at, container := range []string{"scikit-learn", "XGBoost"} {
			t.Run(tt.name+"/"+container, func(t *testing.T) {
				t.Parallel()
				checkAnswer(t, container, answers[i][at], tt.want)
			})
		}
	}
}

// inferenceTest is a request to a model: it is answered with a body, or with a
// status and words.
type inferenceTest struct {
	name, format, path, body, contentType, want string
}

func inferenceTests(models string) []inferenceTest {
	row := `{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [0, 1]}], "id": "r7"}`
	return []inferenceTest{
		{"instances", "sklearn", "line.joblib", `{"instances": [[0.0], [1.0]]}`, jsonType, `{"predictions": [5.0, 7.0]}`},
		{"a charset", "sklearn", "line.joblib", `{"instances": [[0.0]]}`, jsonType + "; charset=utf-8", `{"predictions": [5.0]}`},
		{
			"open inference protocol", "sklearn", "line.joblib", row, jsonType,
			`{"model_name": "model", "outputs": [{"name": "output-0", "shape": [2], "datatype": "FP64", "data": [5.0, 7.0]}], "id": "r7"}`,
		},
		{"named columns and words", "sklearn", "words.joblib", `{"instances": [{"x": 0.0}, {"x": 1.0}]}`, jsonType, `{"predictions": ["no", "yes"]}`},
		{
			"words as tensors", "sklearn", "words.joblib", `{"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [1.0]}]}`, jsonType,
			`{"model_name": "model", "outputs": [{"name": "output-0", "shape": [1], "datatype": "BYTES", "data": ["yes"]}]}`,
		},
		{"trees", "xgboost", "trees.json", `{"instances": [[0.0], [2.0]]}`, jsonType, `{"predictions": [5.0, 9.0]}`},
		{"graph", "onnx", "double.onnx", `{"instances": [[1.5]]}`, jsonType, `{"predictions": [[3.0]]}`},
		{"flow", "mlflow", "flow", `{"instances": [[0.0], [2.0]]}`, jsonType, `{"predictions": [5.0, 9.0]}`},
		{"no flow", "mlflow", "", `{}`, jsonType, "load " + models + " is no MLflow model"},
		{"no JSON", "sklearn", "line.joblib", `{"instances": [[0.0]`, jsonType, "400 the input cannot be read"},
		{"no rows", "sklearn", "line.joblib", `{"data": []}`, jsonType, "400 the input cannot be read"},
		{"other type", "sklearn", "line.joblib", `1,2`, "text/csv", "400 the content type must be application/json"},
		{"wrong width", "sklearn", "line.joblib", `{"instances": [[1, 2]]}`, jsonType, "400 the model refuses the input: X has 2 features"},
		{"a folder of several", "sklearn", "", `{}`, jsonType, "load " + models + " must hold exactly one file"},
		{"no model", "sklearn", "dict.joblib", `{}`, jsonType, "load the object in dict.joblib is a dict, which has no predict"},
	}
}

// checkAnswer compares an answer with a body, or with a status and words.
func checkAnswer(t *testing.T, container, got, want string) {
	t.Helper()
	if strings.HasPrefix(want, "{") {
		want = "200 " + jsonType + " " + want
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
		return
	}
	status, words, _ := strings.Cut(want, " ")
	if status == "load" && container == "XGBoost" {
		status = "500" // it loads at the first request
	}
	if !strings.HasPrefix(got, status) || !strings.Contains(got, words) {
		t.Errorf("%q, want %s with %q", got, status, words)
	}
}

// python runs Python and returns what it prints.
func python(t *testing.T, env pyenv.Env, vars []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), env.Python(), args...)
	cmd.Env = append(os.Environ(), vars...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
