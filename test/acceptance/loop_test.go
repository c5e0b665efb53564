package acceptance

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// changes is the status of a plan that has something to do.
const changes = 2

// loop is the quickstart's service with a warehouse: the file that training
// reads, which the test changes as the world would. Its monitor in dev checks
// every minute, tells a webhook, and trains again.
const loop = `
variable "webhook" { type = string }
variable "warehouse" { type = string }
variable "kind" {
  type    = string
  default = "forest"
}

module "tumor" {
  source = "./modules/stack"

  name = "loop"
  training = {
    parameters = { kind = { type = "string", default = "forest" }, warehouse = { type = "string" } }
    values     = { kind = var.kind, warehouse = var.warehouse }
    steps = {
      train = {
        script   = file("${path.module}/loop.py")
        packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]
        env      = { KIND = "{{params.kind}}", WAREHOUSE = "{{params.warehouse}}" }
        outputs  = ["model", "metrics", "seen"]
        cache    = false # the warehouse changes outside of it
      }
    }
    baseline = "seen"
  }
  model = { format = "sklearn" }
  serving = {
    smoke_test  = { request = file("${path.module}/sample.json") }
    concurrency = 16
  }
  gates    = { test = { min = { accuracy = 0.85 } }, prod = { relative = { accuracy = 5 } } }
  approval = { by = "the test" }

  monitoring = {
    label        = "target"
    min_rows     = 100
    data_drift   = { statistic = "psi", threshold = 0.25 }
    health       = { max_error_percent = 1 }
  }
  alerts     = { webhook_url = var.webhook }
  retraining = { cooldown = "1h", max_per_month = 2 }

  profiles = {
    dev  = { always_on = true, alerting = true, rollout = local.careful, monitor = { cron = "0 0 1 1 *", window = "10m" } }
    test = { always_on = true, rollout = { strategy = "all_at_once" } }
    prod = { deletion_protection = false, alerting = false, rollout = { strategy = "all_at_once" }, replicas = { min = 1, max = 1 } }
  }
}

locals {
  careful = {
    strategy      = "canary"
    steps         = [20, 50]
    bake          = "4s"
    keep_previous = "5m"
    gates         = { max_error_percent = 1, max_p95 = "1s", min_requests = 20, wait = "60s" }
  }
}

output "url" { value = module.tumor.urls["dev"] }
output "digest_dev" { value = module.tumor.digests["dev"] }
output "digest_prod" { value = module.tumor.digests["prod"] }
output "version" { value = module.tumor.versions["dev"] }
`

// loopTraining fits a forest to what the warehouse has. A sleepy one is as right,
// passes the smoke test, and keeps users waiting for longer than the gate allows
// on any machine: only live traffic shows that. Its step is pickled by value, as
// the server has no module of ours.
const loopTraining = `
import json, os, time
import pandas as pd
from joblib.externals import cloudpickle
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

def nap(x):
    time.sleep(2)
    return x

table = pd.read_csv(os.environ["WAREHOUSE"])
train, test = train_test_split(table, test_size=0.3, random_state=1, stratify=table["target"])
columns = [c for c in table.columns if c != "target"]
model = RandomForestClassifier(n_estimators=30, max_depth=6, random_state=1)
model.fit(train[columns].to_numpy(), train["target"])
with open(os.environ["MLOPS_OUTPUT_METRICS"], "w", encoding="utf-8") as f:
    json.dump({"accuracy": model.score(test[columns].to_numpy(), test["target"])}, f)
if os.environ["KIND"] == "sleepy":
    model = make_pipeline(FunctionTransformer(nap), model)
with open(os.environ["MLOPS_OUTPUT_MODEL"], "wb") as f:
    cloudpickle.dump(model, f)
table.to_csv(os.environ["MLOPS_OUTPUT_SEEN"], index=False)
`

// fetchTumors writes scikit-learn's own copy of the breast cancer data as CSV.
const fetchTumors = `
import os
from sklearn.datasets import load_breast_cancer
load_breast_cancer(as_frame=True).frame.to_csv(os.environ["MLOPS_OUTPUT_TABLE"], index=False)
`

// TestAccLoop goes round once, with real data: the world changes, the monitor
// notices, tells, and trains again; the next apply brings the new version
// through gates and a canary to all stages. Then a bad model comes the same
// way, and goes back from the canary without a failed answer.
func TestAccLoop(t *testing.T) {
	t.Parallel()
	w := workspace(t, "")
	alerts := receiveAlerts(t)
	warehouse := filepath.Join(t.TempDir(), "warehouse.csv")
	table := tumors(t)
	table.write(t, warehouse)
	w.CopyTree(filepath.Join("..", "..", "modules"), "modules")
	w.Write("loop.py", loopTraining)
	w.Write("sample.json", instances(table.rows[:1]))
	vars, err := json.Marshal(map[string]string{"webhook": alerts.url, "warehouse": warehouse})
	if err != nil {
		t.Fatal(err)
	}
	w.Write("test.auto.tfvars.json", string(vars))
	w.Write("main.tf", header+loop)
	w.Init()
	w.Apply()
	w.PlanIsEmpty()
	url, first := w.Output("url"), w.Output("digest_prod")

	// As it always was: nothing happens.
	for range 3 {
		predict(t, url, table.rows)
	}
	check(t, w, mlops.MonitorOK)
	if n := alerts.count(); n != 0 {
		t.Fatalf("%d alerts on unchanged data: %s", n, alerts.last())
	}

	// The world changes: what is measured is larger by half.
	shifted := table.scaled(1.5, "mean radius", "mean perimeter", "mean area")
	shifted.write(t, warehouse)
	for range 6 {
		predict(t, url, shifted.rows)
	}
	check(t, w, mlops.MonitorViolated)
	if !eventually(func() bool { return alerts.count() > 0 }) {
		t.Fatal("nobody was told")
	}
	if last := alerts.last(); !strings.Contains(last, "mean radius") || !strings.Contains(last, "violated") {
		t.Errorf("the alert does not say what drifted: %s", last)
	}

	// Training again makes a run; a plan sees it when it has succeeded, and the
	// apply takes it through the canary to all stages.
	if !eventually(func() bool { return w.Run("plan", "-detailed-exitcode").Code == changes }) {
		t.Fatal("no plan sees a retrained model")
	}
	l := startLiveTraffic(t, url, shifted.rows)
	w.Apply()
	l.end(t)
	w.PlanIsEmpty()
	second := w.Output("digest_prod")
	if second == first || second != w.Output("digest_dev") {
		t.Fatalf("prod serves %s, dev %s, before it was %s", second, w.Output("digest_dev"), first)
	}

	// A bad model: it answers the smoke test, and keeps users waiting.
	l = startLiveTraffic(t, url, shifted.rows)
	w.ApplyFails("-var", "kind=sleepy").Contains(t, "canary", "max_p95 = 1s", "what was there before is in force")
	l.end(t)
	w.Must("refresh", "-var", "kind=sleepy")
	if got := w.Output("digest_prod"); got != second {
		t.Errorf("prod serves %s, want %s still", got, second)
	}
	if status, answer := send(url, instances(shifted.rows[:5])); status != http.StatusOK {
		t.Errorf("after the rollback the endpoint answers %d %s", status, answer)
	}
	w.PlanHasChanges()
	w.Apply() // with the good model again
	w.PlanIsEmpty()
	w.Destroy()
	w.NothingLeft()
}

// check has the monitor of dev look now, and insists on what it finds.
func check(t *testing.T, w *tfcli.Workspace, want mlops.MonitorState) {
	t.Helper()
	out := w.EngineCommand("check", "-json", "-monitor", "local/loop-dev/monitors/loop")
	var report mlops.MonitorReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.State != want {
		t.Fatalf("the monitor says %s, want %s: %v\n%s", report.State, want, err, out)
	}
}

// received are the alerts that came to a webhook.
type received struct {
	url    string
	mu     sync.Mutex
	bodies []string
}

func receiveAlerts(t *testing.T) *received {
	t.Helper()
	r := &received{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies = append(r.bodies, string(b))
	}))
	t.Cleanup(s.Close)
	r.url = s.URL + "/hook"
	return r
}

func (r *received) count() int { r.mu.Lock(); defer r.mu.Unlock(); return len(r.bodies) }

func (r *received) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.bodies) == 0 {
		return ""
	}
	return r.bodies[len(r.bodies)-1]
}

// data is a table of numbers whose last column is the truth.
type data struct {
	columns []string
	rows    [][]float64
}

// tumors returns the breast cancer data, fetched by a pipeline of ours.
func tumors(t *testing.T) data {
	t.Helper()
	w := workspace(t, "")
	w.Write("fetch.py", fetchTumors)
	w.Write("main.tf", header+environment+`
resource "mlops_pipeline" "fetch" {
  environment = mlops_environment.e.id
  name        = "fetch"
  steps = { fetch = {
    script   = file("${path.module}/fetch.py")
    packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]
    outputs  = ["table"]
  } }
}
resource "mlops_pipeline_run" "fetch" { pipeline = mlops_pipeline.fetch.id }
output "table" { value = mlops_pipeline_run.fetch.outputs["fetch.table"] }
`)
	w.Init()
	w.Apply()
	f, err := os.Open(strings.TrimPrefix(w.Output("table"), "file://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) < 500 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	d := data{columns: lines[0]}
	for _, line := range lines[1:] {
		row := make([]float64, len(line))
		for i, text := range line {
			if row[i], err = strconv.ParseFloat(text, 64); err != nil {
				t.Fatal(err)
			}
		}
		d.rows = append(d.rows, row)
	}
	return d
}

// scaled returns the table with some columns multiplied.
func (d data) scaled(by float64, columns ...string) data {
	out := data{columns: d.columns}
	for _, row := range d.rows {
		changed := append([]float64{}, row...)
		for i, c := range d.columns {
			for _, name := range columns {
				if c == name {
					changed[i] *= by
				}
			}
		}
		out.rows = append(out.rows, changed)
	}
	return out
}

func (d data) write(t *testing.T, path string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(strings.Join(d.columns, ",") + "\n")
	for _, row := range d.rows {
		for i, v := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
		}
		b.WriteByte('\n')
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// instances is a request with the features of rows.
func instances(rows [][]float64) string {
	all := make([][]float64, 0, len(rows))
	for _, row := range rows {
		all = append(all, row[:len(row)-1])
	}
	b, err := json.Marshal(map[string]any{"instances": all})
	if err != nil {
		panic(err) // numbers have a JSON form
	}
	return string(b)
}

// predict asks for all rows, some at a time.
func predict(t *testing.T, url string, rows [][]float64) {
	t.Helper()
	for len(rows) > 0 {
		n := min(50, len(rows))
		if status, answer := send(url, instances(rows[:n])); status != http.StatusOK {
			t.Fatalf("status %d: %s", status, answer)
		}
		rows = rows[n:]
	}
}

func send(url, request string) (int, string) {
	resp, err := http.Post(url, "application/json", strings.NewReader(request))
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}

// startLiveTraffic sends rows as users would: one at a time.
func startLiveTraffic(t *testing.T, url string, rows [][]float64) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	for worker := range 4 {
		l.wg.Go(func() {
			for i := worker; ; i += 4 {
				select {
				case <-l.stop:
					return
				default:
				}
				l.sent.Add(1)
				if status, answer := send(url, instances([][]float64{rows[i%len(rows)]})); status != http.StatusOK {
					l.failed.Add(1)
					l.example.Store(fmt.Sprint(status, " ", answer))
				}
			}
		})
	}
	return l
}
