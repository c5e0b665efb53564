package serving

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// train writes models: a good one, one that says it is of another scikit-learn,
// and one of a class that is nowhere.
const train = `
import sys, types, joblib, numpy as np, sklearn.base
from sklearn.tree import DecisionTreeRegressor
model = DecisionTreeRegressor().fit(np.array([[0.0], [1.0]]), np.array([5.0, 7.0]))
joblib.dump(model, "good.joblib")
sklearn.base.__version__ = "0.24.2"
joblib.dump(model, "old.joblib")
module = types.ModuleType("house_models")
class Regressor: pass
Regressor.__module__, module.Regressor = "house_models", Regressor
sys.modules["house_models"] = module
joblib.dump(Regressor(), "foreign.joblib")
`

// TestSklearn serves real models with the real inference server.
func TestSklearn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	python, err := pyenvtest.Builder()
	if err != nil {
		t.Fatal(err)
	}
	models := trained(t, python)
	for _, name := range []string{"good", "old", "foreign"} {
		b.registered(name, "sklearn", filepath.Join(models, name+".joblib"))
	}
	b.start(func(s *Service) { s.Python, s.pace = python, ordinaryPace() })

	b.ready(spec(b.id("good"), func(s *mlops.ModelEndpointSpec, v *mlops.Variant) {
		s.SmokeTest = &mlops.SmokeTest{Request: `{"instances": [[0.5]]}`, Status: http.StatusOK}
		v.Compute = &mlops.Compute{CPU: 1, Memory: 2 << 30}
	}))
	url := "http://" + b.Address() + "/dev/churn"
	for _, tt := range []struct{ name, path, body, want string }{
		{"instances", "", `{"instances": [[0.0], [1.0]]}`, `{"predictions":[5.0,7.0]}`},
		{"inputs", "", `{"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [0.0]}]}`, `"data":[5.0]`},
		{"by path", "/v1/models/churn:predict", `{"instances": [[0.0]]}`, `{"predictions":[5.0]}`},
		{"metadata", "/v2/models/churn", "", `"name":"churn"`},
	} {
		if status, got := request(t, url+tt.path, tt.body); status != http.StatusOK || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %d %s, want %s", tt.name, status, got, tt.want)
		}
	}
	for _, body := range []string{`{"instances": [[1, 2, 3]]}`, `{"instances": "x"}`, `{"instances": [[1]`, `{"inputs": []}`} {
		if status, got := request(t, url, body); status < 400 || status > 499 {
			t.Errorf("bad request %s: %d %s", body, status, got)
		}
	}

	b.ready(spec(b.id("old")))
	eventually(t, "the log tells of the other version", func() bool {
		log := b.serverLog()
		return strings.Contains(log, "InconsistentVersionWarning") && strings.Contains(log, "0.24.2")
	})
	o := b.apply(spec(b.id("foreign")))
	if o.Phase != mlops.PhaseReady || !strings.Contains(o.Reason, "house_models") || !strings.Contains(o.Reason, "packages") {
		t.Errorf("a model of a class that is nowhere: %s because %q", o.Phase, o.Reason)
	}
	if status, got := request(t, url, `{"instances": [[0.0]]}`); status != http.StatusOK {
		t.Errorf("after a failed change: %d %s", status, got)
	}
}

// trained runs the training with the packages that serve, and returns the
// directory of the models.
func trained(t *testing.T, python *pyenv.Builder) string {
	t.Helper()
	env, err := python.Ensure(t.Context(), packagesFor("sklearn", nil, ""))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), env.Python(), "-c", train)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("train: %v\n%s", err, out)
	}
	return dir
}

// registered is a version of a format with the bytes at a path.
func (b *bench) registered(name, format, path string) {
	b.t.Helper()
	spec := mlops.ModelVersionSpec{Model: modelID, Format: format}
	put(b, b.store.Versions(), b.id(name), spec, mlops.ModelVersionStatus{Digest: "sha256:" + name, URI: "file://" + path})
}

// serverLog is the end of all servers' logs.
func (b *bench) serverLog() string {
	b.t.Helper()
	var all strings.Builder
	logs, err := filepath.Glob(filepath.Join(b.get(spec("").ID()).Native["log_directory"], "*.log"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, l := range logs {
		all.WriteString(process.Tail(l, 100))
	}
	return all.String()
}

func TestPackages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := "# comment\n-c constraints.txt\nmlflow==3.2.0\n\nscikit-learn==1.7.2 # why\n"
	if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		format string
		own    []string
		want   string
	}{
		{"defaults", "sklearn", nil, "kserve==0.21.0 scikit-learn==1.7.2"},
		{"the version's own", "sklearn", []string{"Scikit_Learn>=1.5", "pandas"}, "Scikit_Learn>=1.5 kserve==0.21.0 pandas"},
		{"a larger package", "mlflow", []string{"mlflow==3.1.0"}, "kserve==0.21.0 mlflow==3.1.0"},
		{"what the model lists", "mlflow", nil, "kserve==0.21.0 mlflow==3.2.0 scikit-learn==1.7.2"},
		{"a variant", "onnx", []string{"onnxruntime-gpu[cuda]==1.24.4"}, "kserve==0.21.0 onnxruntime-gpu[cuda]==1.24.4"},
		{"another server", "sklearn", []string{"kserve==0.20.0"}, "kserve==0.20.0 scikit-learn==1.7.2"},
		{"custom has no server of ours", custom, []string{"flask"}, "flask"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(packagesFor(tt.format, tt.own, dir), " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
