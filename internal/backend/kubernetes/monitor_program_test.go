package kubernetes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/driftjob/kservetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// podFolders is below which a job's pod has its volumes and its artifacts.
const podFolders = "/mlops/"

// bay is a monitor whose job's programs run, beside the cluster: a folder is the storage,
// and another what the pod has below podFolders.
type bay struct {
	guard

	bucket string // the folder of the bucket
	pushed *pushes
}

// pushes are where a Pushgateway was told something.
type pushes struct {
	mu    sync.Mutex
	paths []string
}

func (p *pushes) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paths = append(p.paths, r.URL.Path)
}

func newBay(t *testing.T) bay {
	t.Helper()
	store, p := t.TempDir(), &pushes{}
	gateway := httptest.NewServer(p)
	t.Cleanup(gateway.Close)
	b := bay{bucket: filepath.Join(store, "bucket"), pushed: p}
	if err := os.Mkdir(b.bucket, 0o700); err != nil {
		t.Fatal(err)
	}
	b.guard = newGuard(t, mlops.Settings{
		targetStorage: "s3://bucket/team", targetStorageURL: serveS3(t, store), targetStorageSecret: "keys",
		targetStorageRegion: "us-east-1", targetPushgateway: gateway.URL,
	})
	return b
}

// keep puts a file into the bucket.
func (b bay) keep(key, text string) {
	b.Helper()
	file := filepath.Join(b.bucket, filepath.FromSlash(key))
	b.must(os.MkdirAll(filepath.Dir(file), 0o700))
	b.must(os.WriteFile(file, []byte(text), 0o600))
}

// person is a row of the baseline and of requests: every other is red.
func person(i, older int) (age int, colour string) {
	return 20 + i%50 + older, []string{"red", "blue"}[i%2]
}

// outcomeOf is what the model predicts: whether somebody is old.
func outcomeOf(age int) int {
	if age < 45 {
		return 0
	}
	return 1
}

// people are the baseline: a table.
func people() string {
	var out strings.Builder
	out.WriteString("age,colour,prediction\n")
	for i := range 200 {
		age, colour := person(i, 0)
		fmt.Fprintf(&out, "%d,%s,%d\n", age, colour, outcomeOf(age))
	}
	return out.String()
}

// predict is a model server.
func predict(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Instances []struct {
			Age int `json:"age"`
		} `json:"instances"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out := []int{}
	for _, one := range in.Instances {
		out = append(out, outcomeOf(one.Age))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"predictions": out}) //nolint:errchkjson // a client that is gone needs no answer
}

// traffic asks a server of the endpoint behind KServe's logger about people, some years
// older than the baseline's, until all of it is in the bucket, and returns their truth.
func (b bay) traffic(server string, requests, older int) (truth string) {
	b.Helper()
	const each = 20
	model := httptest.NewServer(http.HandlerFunc(predict))
	b.Cleanup(model.Close)
	service := (whereabouts{namespace: b.spec.Name}).serverStem("churn") + "-" + server
	logger := kservetest.Service{Namespace: b.spec.Name, Name: service, Endpoint: "churn", Batch: 1, Bucket: b.bucket}.Start(b.T, model.URL)
	var lines strings.Builder
	for r := range requests {
		var instances, labels []string
		for i := range each {
			age, colour := person(r*each+i, older)
			instances, labels = append(instances, fmt.Sprintf(`{"age": %d, "colour": %q}`, age, colour)), append(labels, strconv.Itoa(outcomeOf(age)))
		}
		id := fmt.Sprintf("%s-%d", server, r)
		b.ask(logger.URL, id, `{"instances": [`+strings.Join(instances, ",")+`]}`)
		fmt.Fprintf(&lines, `{"request_id": %q, "label": [%s]}`+"\n", id, strings.Join(labels, ","))
	}
	b.settle("all is logged", func() bool {
		files, err := filepath.Glob(filepath.Join(b.bucket, "team", b.spec.Name, service, "predictor", "captures", "churn", "*.json"))
		b.must(err)
		return len(files) == 2*requests
	})
	return lines.String()
}

func (b bay) ask(url, id, body string) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/models/churn:predict", strings.NewReader(body))
	b.must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Ce-Id", id)
	answer, err := http.DefaultClient.Do(request)
	b.must(err)
	b.must(answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		b.Fatalf("the server answers %d", answer.StatusCode)
	}
}

// step is the step of the monitor's job that checks, as the cluster has it.
func (b bay) step() argoTemplate {
	b.Helper()
	cron := control.Get(b, b.ref("cronworkflows.argoproj.io", "monitor-watch"))
	text, err := json.Marshal(cron.Object["spec"])
	b.must(err)
	var spec struct {
		Workflow workflowSpec `json:"workflowSpec"`
	}
	b.must(json.Unmarshal(text, &spec))
	for _, t := range spec.Workflow.Templates {
		if t.Name == monitorCheck {
			return t
		}
	}
	b.Fatalf("the job has no step %s: %s", monitorCheck, text)
	return argoTemplate{}
}

// work runs a step as its pod would be: its volumes, what Argo fetches, the containers
// before the main one, that one, and its outputs.
func (b bay) work(step argoTemplate) kubetest.Outcome {
	b.Helper()
	pod := b.TempDir()
	at := func(text string) string { return strings.ReplaceAll(text, podFolders, pod+"/") }
	b.mount(step, at)
	for _, a := range step.Inputs.Artifacts {
		b.bring(a, at(a.Path))
	}
	for _, c := range step.Before {
		b.must(fetchInto(b.T, c, at(captureFolder), storageKey))
	}
	if diff := cmp.Diff([]string{monitorProgram}, step.Container.Command); diff != "" || step.Container.Args[0] != "drift" {
		b.Fatalf("the job runs %v %v", step.Container.Command, step.Container.Args)
	}
	var args []string
	for _, a := range step.Container.Args {
		args = append(args, at(a))
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0], args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), asProgram+"=1"), b.Output()
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		b.Fatal(err)
	}
	out := kubetest.Outcome{ExitCode: cmd.ProcessState.ExitCode(), Outputs: map[string]string{}}
	for _, p := range step.Outputs.Parameters {
		text, err := os.ReadFile(at(p.ValueFrom.Path))
		b.must(err)
		out.Outputs[p.Name] = string(text)
	}
	return out
}

// mount makes the folders of a step's volumes, with what their config maps have.
func (b bay) mount(step argoTemplate, at func(string) string) {
	b.Helper()
	places := map[string]string{}
	for _, m := range step.Container.Mounts {
		places[m.Name] = at(m.Path)
		b.must(os.Mkdir(places[m.Name], 0o700))
	}
	for _, v := range step.Volumes {
		config, ok := v["configMap"].(map[string]any)
		if !ok {
			continue
		}
		of, _ := config["name"].(string)
		data, _, err := unstructured.NestedStringMap(control.Get(b, b.ref("configmaps", of)).Object, "data")
		b.must(err)
		volume, _ := v["name"].(string)
		for name, text := range data {
			b.must(os.WriteFile(filepath.Join(places[volume], name), []byte(text), 0o600))
		}
	}
}

// bring does what Argo does with an artifact in the bucket: a file or a folder is copied,
// and one that is optional need not be there.
func (b bay) bring(a argoArtifact, to string) {
	b.Helper()
	if a.S3 == nil || a.S3.Bucket != filepath.Base(b.bucket) {
		b.Fatalf("%s is at %+v, and not in the bucket", a.Name, a.argoLocation)
	}
	from := filepath.Join(b.bucket, filepath.FromSlash(a.S3.Key))
	info, err := os.Stat(from)
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.Optional:
		return
	case err == nil && info.IsDir():
		b.must(os.CopyFS(to, os.DirFS(from)))
	default:
		text, err := os.ReadFile(from)
		b.must(err)
		b.must(os.MkdirAll(filepath.Dir(to), 0o700))
		b.must(os.WriteFile(to, text, 0o600))
	}
}

// TestMonitorProgram has the job of a monitor do what it is for, from the objects that
// the cluster has: rclone fetches what KServe's own logger wrote, the program that the
// job names checks it, Argo's controller takes in what that came to, and the monitor's
// status is the program's report.
func TestMonitorProgram(t *testing.T) {
	t.Parallel()
	b := newBay(t)
	b.pipeline(mlops.PipelineSpec{Steps: chain()})
	v := &verdicts{t: t, given: map[string]kubetest.Outcome{}}
	control.Play(t, b.spec.Name, v.play)
	spec := b.all()
	spec.Health, spec.MinRows, spec.Baseline.URI = nil, 50, "s3://bucket/data/people.csv"
	b.keep("data/people.csv", people())
	ref := b.create(spec).Ref
	for _, phase := range []struct {
		name    string
		traffic func()
		want    mlops.MonitorState
		rows    int64
		starts  string
	}{
		{"nobody asked", func() {}, mlops.MonitorNoData, 0, ""},
		{"people as they were", func() { b.keep("truth/labels.jsonl", b.traffic("0123456789", 5, 0)) }, mlops.MonitorOK, 100, ""},
		{"older people, of a new server", func() { b.traffic("abcdefabcd", 10, 60) }, mlops.MonitorViolated, 300, "data_drift"},
	} {
		phase.traffic()
		step := b.step()
		outcome := b.work(step)
		if outcome.ExitCode != 0 || outcome.Outputs[outputVerdict] != string(phase.want) || outcome.Outputs[outputViolated] != phase.starts {
			t.Fatalf("%s: the program ended with %d: %v", phase.name, outcome.ExitCode, outcome.Outputs)
		}
		v.add(outcome)
		job := b.submit()
		b.over(job)
		checked, made := v.seen()
		if diff := cmp.Diff(step.Container.Args, checked[len(checked)-1].Container.Args); diff != "" {
			t.Errorf("%s: Argo gives the program other arguments (-compiled +given):\n%s", phase.name, diff)
		}
		if (len(made) > 0) != (phase.starts != "") {
			t.Errorf("%s: %d runs are started", phase.name, len(made))
		}
		var want mlops.MonitorReport
		b.must(json.Unmarshal([]byte(outcome.Outputs[outputReport]), &want))
		want.URI = "s3://bucket/team/monitors/watch/" + job.Name + ".json"
		got := b.watched(ref).Status
		if got.State != phase.want || got.LastReport == nil {
			t.Fatalf("%s: its status is %+v", phase.name, got)
		}
		if diff := cmp.Diff(want, *got.LastReport); diff != "" || want.Rows != phase.rows || want.Monitor != ref {
			t.Errorf("%s: %d rows of %s; report (-of the program +of the status):\n%s", phase.name, want.Rows, want.Monitor, diff)
		}
		wantChecks(t, phase.name, want, phase.want)
	}
	b.wantPushed()
	b.destroy(ref)
}

// wantChecks insists on all checks of a job, and on what the data's drift came to.
func wantChecks(t *testing.T, when string, report mlops.MonitorReport, drift mlops.MonitorState) {
	t.Helper()
	for _, check := range []string{"data_drift", "prediction_drift", "data_quality", "model_quality", "bias"} {
		got, ok := report.Checks[check]
		if !ok || got.State == mlops.MonitorBroken || drift == mlops.MonitorOK && got.State != mlops.MonitorOK {
			t.Errorf("%s: %s is %s: %s", when, check, got.State, got.Reason)
		}
	}
	if got := report.Checks["data_drift"].State; got != drift {
		t.Errorf("%s: the data's drift is %s, want %s", when, got, drift)
	}
}

// wantPushed insists that each job pushed its figures, under the labels that the alerts
// in the cluster ask for.
func (b bay) wantPushed() {
	b.Helper()
	b.pushed.mu.Lock()
	defer b.pushed.mu.Unlock()
	const path = "/metrics/job/mlops_monitor/"
	of, watch := "environment/"+b.spec.Name, "monitor/watch" // in any order
	for _, got := range b.pushed.paths {
		if got != path+of+"/"+watch && got != path+watch+"/"+of {
			b.Errorf("figures are pushed to %s", got)
		}
	}
	if len(b.pushed.paths) != 3 {
		b.Errorf("figures are pushed %d times, want once by each job", len(b.pushed.paths))
	}
	rules, err := control.Get(b, b.ref("prometheusrules.monitoring.coreos.com", "monitor-watch")).MarshalJSON()
	b.must(err)
	query, err := json.Marshal(fmt.Sprintf(`max(mlops_monitor_violated{environment=%q,monitor="watch",check="data_drift"}) == 1`, b.spec.Name))
	b.must(err)
	if !bytes.Contains(rules, query) {
		b.Errorf("the alerts do not ask %s: %s", query, rules)
	}
}
