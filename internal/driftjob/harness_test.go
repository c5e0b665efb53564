package driftjob

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// asCommand has the test binary be the command.
const asCommand = "MLOPS_TEST_DRIFT"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(Command(context.Background(), os.Args[1:]))
	}
	os.Exit(m.Run())
}

const (
	endpoint = mlops.ID("kubernetes/lab/dev/endpoints/churn")
	monitor  = mlops.ID("kubernetes/lab/dev/monitors/watch")
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// customers is the repository's example of a baseline.
func customers() string {
	return filepath.Join("..", "..", "examples", "resources", "mlops_monitor", "customers.csv")
}

// bench is the folder of a job.
type bench struct {
	t    testing.TB
	dir  string
	sent int
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	return &bench{t: tb, dir: tb.TempDir()}
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) captures() string { return b.path("captures") }

// file writes a file of a time.
func (b *bench) file(name, text string, at time.Time) string {
	b.t.Helper()
	path := b.path(name)
	err := errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at))
	if err != nil {
		b.t.Fatal(err)
	}
	return path
}

// object is where KServe keeps a capture; see store.go of its logger.
func object(id, kind string) string {
	return "captures/churn-dev/churn-main-1a2b/predictor/captures/churn/" + id + "-" + kind + ".json"
}

// logged is a record as KServe writes it: TestWhatKServeWrites holds this to the real
// one.
func logged(id, kind, body string) string {
	return fmt.Sprintf(`{"url":{"Scheme":"s3","Host":"bucket"},"bytes":%q,"contentType":"application/json","reqType":"org.kubeflow.serving.inference.%s","id":%q}`,
		base64.StdEncoding.EncodeToString([]byte(body)), kind, id)
}

// send captures a request and its answer.
func (b *bench) send(at time.Time, request, answer string) (id string) {
	b.t.Helper()
	b.sent++
	id = fmt.Sprintf("r%d", b.sent)
	b.file(object(id, "request"), logged(id, "request", request), at)
	b.file(object(id, "response"), logged(id, "response", answer), at.Add(time.Second))
	return id
}

// people are the example's rows as instances, with some years more.
func people(tb testing.TB, older int) (instances []string) {
	tb.Helper()
	f, err := os.Open(customers())
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	for _, row := range rows[1:] {
		var age int
		if _, err := fmt.Sscan(row[0], &age); err != nil {
			tb.Fatal(err)
		}
		instances = append(instances, fmt.Sprintf(`{"age":%d,"country":%q,"spent":%s}`, age+older, row[1], row[2]))
	}
	return instances
}

// sendAll captures instances, one in each request.
func (b *bench) sendAll(at time.Time, instances []string) {
	b.t.Helper()
	for _, one := range instances {
		b.send(at, `{"instances":[`+one+`]}`, `{"predictions":[1]}`)
	}
}

// rename moves a folder of captures.
func (b *bench) rename(from, to string) {
	b.t.Helper()
	folder := filepath.Dir(filepath.Dir(filepath.Dir(b.path(object("x", "request")))))
	if err := os.Rename(filepath.Join(folder, from), filepath.Join(folder, to)); err != nil {
		b.t.Fatal(err)
	}
}

// outcome is all that a job gives.
type outcome struct {
	Status   int
	Verdict  string
	Violated string
	Report   mlops.MonitorReport
	stderr   string
}

// spec is a monitor of the example's data.
func spec(change func(*mlops.MonitorSpec)) mlops.MonitorSpec {
	s := mlops.MonitorSpec{
		Endpoint: endpoint, Name: "watch", MinRows: 50, Baseline: &mlops.Baseline{URI: "s3://bucket/customers.csv"},
		DataDrift: &mlops.DriftCheck{Statistic: "psi", Threshold: new(0.2)},
	}
	if change != nil {
		change(&s)
	}
	return s
}

// run makes a check at noon, in a process of its own.
func (b *bench) run(s mlops.MonitorSpec, more ...string) outcome {
	b.t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		b.t.Fatal(err)
	}
	args := []string{
		"--monitor", b.file("monitor.json", string(text), noon()), "--captures", b.captures(), "--now", noon().Format(time.RFC3339),
		"--report", b.path("report.json"), "--verdict", b.path("verdict"), "--violated", b.path("violated"),
	}
	if s.Baseline != nil {
		args = append(args, "--baseline", customers())
	}
	return b.process(append(args, more...))
}

func (b *bench) process(args []string) outcome {
	b.t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(b.t.Context(), os.Args[0], args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), asCommand+"=1"), &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		b.t.Fatal(err)
	}
	out := outcome{Status: cmd.ProcessState.ExitCode(), stderr: stderr.String()}
	for name, into := range map[string]*string{"verdict": &out.Verdict, "violated": &out.Violated} {
		text, err := os.ReadFile(b.path(name))
		if err != nil && out.Status != exitUsage {
			b.t.Fatalf("%v; %s", err, out.stderr)
		}
		*into = string(text)
	}
	if out.Status == exitUsage {
		return out
	}
	text, err := os.ReadFile(b.path("report.json"))
	if err == nil {
		err = json.Unmarshal(text, &out.Report)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// want holds an outcome to a status, a verdict and words of the report.
func (o outcome) want(tb testing.TB, status int, verdict, violated string, words ...string) {
	tb.Helper()
	if o.Status != status || o.Verdict != verdict || o.Violated != violated || string(o.Report.State) != verdict {
		tb.Errorf("status %d, %q, violated %q, report %s because %q; want %d, %q, %q\n%s",
			o.Status, o.Verdict, o.Violated, o.Report.State, o.Report.Reason, status, verdict, violated, o.stderr)
	}
	for _, w := range words {
		if !strings.Contains(o.Report.Reason, w) {
			tb.Errorf("the report says %q, not %q", o.Report.Reason, w)
		}
	}
}
