package sagemaker

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
)

// inTraining saves real models in every format into a folder.
const inTraining = `
import json, sys
import joblib, numpy as np, pandas as pd, xgboost
from sklearn.linear_model import LinearRegression, LogisticRegression
from onnx import TensorProto, helper, save

folder = sys.argv[1]
X, y = np.array([[0.0], [1.0], [2.0]]), np.array([5.0, 7.0, 9.0])
joblib.dump(LinearRegression().fit(X, y), folder + "/line.joblib")
words = LogisticRegression(C=1e6).fit(pd.DataFrame({"x": [0.0, 0.1, 1.0, 0.9]}), ["no", "no", "yes", "yes"])
joblib.dump(words, folder + "/words.joblib")
joblib.dump({"weights": [1]}, folder + "/dict.joblib")
trees = xgboost.train({"max_depth": 2, "base_score": 0.0, "eta": 1.0, "lambda": 0.0}, xgboost.DMatrix(X, y), 1)
trees.save_model(folder + "/trees.json")
value = helper.make_tensor_value_info
double = helper.make_node("Add", ["x", "x"], ["y"])
graph = helper.make_graph([double], "double", [value("x", TensorProto.FLOAT, [None, 1])], [value("y", TensorProto.FLOAT, [None, 1])])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder + "/double.onnx")
`

// inContainer calls the four functions as SageMaker's containers do: it loads once,
// and says for each request what came of it.
const inContainer = `
import importlib.util, json, sys

spec = importlib.util.spec_from_file_location("inference", sys.argv[1])
served = importlib.util.module_from_spec(spec)
spec.loader.exec_module(served)
try:
    model = served.model_fn("/opt/ml/model")
except Exception as e:
    print("load: " + str(e))
    sys.exit()
for request in json.loads(sys.argv[2]):
    try:
        data = served.input_fn(request["body"], request["type"])
        body, kind = served.output_fn(served.predict_fn(data, model), "application/json")
        print(kind + " " + body)
    except ValueError as e:
        print("refused: " + str(e))
`

// TestInferenceCode runs the code of the containers on real models.
func TestInferenceCode(t *testing.T) {
	t.Parallel()
	venvs := cmp.Or(os.Getenv("MLOPS_TEST_VENVS"), filepath.Join(t.TempDir(), "venvs"))
	env, err := pyenv.New("", venvs, slog.New(slog.DiscardHandler)).Ensure(t.Context(), []string{
		"scikit-learn==1.7.2", "pandas==2.3.3", "xgboost-cpu==3.2.0", "onnx==1.19.1", "onnxruntime==1.23.2",
	})
	if err != nil {
		t.Fatal(fmt.Errorf("the models' packages cannot be installed: %w", err))
	}
	models := t.TempDir()
	python(t, env, nil, "-c", inTraining, models)
	row := `{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [0, 1]}], "id": "r7"}`
	tests := []struct {
		name, format, path, body, contentType, want string
	}{
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
		{"no JSON", "sklearn", "line.joblib", `{"instances": [[0.0]`, jsonType, "refused: the input cannot be read"},
		{"no rows", "sklearn", "line.joblib", `{"data": []}`, jsonType, "refused: the input cannot be read"},
		{"other type", "sklearn", "line.joblib", `1,2`, "text/csv", "refused: the content type must be application/json"},
		{"wrong width", "sklearn", "line.joblib", `{"instances": [[1, 2]]}`, jsonType, "refused: X has 2 features"},
		{"a folder of several", "sklearn", "", `{}`, jsonType, "load: " + models + " must hold exactly one file"},
		{"no model", "sklearn", "dict.joblib", `{}`, jsonType, "load: the object in dict.joblib is a dict, which has no predict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requests := fmt.Sprintf(`[{"body": %q, "type": %q}]`, tt.body, tt.contentType)
			vars := []string{"MODEL_FORMAT=" + tt.format, "MODEL_PATH=" + filepath.Join(models, tt.path)}
			got := python(t, env, vars, "-c", inContainer, "serve/inference.py", requests)
			if strings.HasPrefix(tt.want, "{") {
				tt.want = jsonType + " " + tt.want
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("answer %q, want %q", got, tt.want)
			}
		})
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
