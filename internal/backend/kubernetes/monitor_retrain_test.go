package kubernetes

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/retrainjob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// starting is a monitor whose step starts a pipeline, which the program does beside the
// cluster: with what the config map says, and with the rights of the step's account.
type starting struct {
	guard

	step    argoTemplate
	monitor mlops.ID
}

// newStarting is one whose runs are held at work where a test says so.
func newStarting(t *testing.T, o mlops.OnViolation, outcome func(*unstructured.Unstructured) kubetest.Outcome) starting {
	t.Helper()
	g := newGuard(t, nil)
	g.pipeline(mlops.PipelineSpec{Steps: chain()})
	control.Play(t, g.spec.Name, outcome)
	spec := g.all()
	o.Pipeline, o.Parameters, o.Checks = spec.OnViolation.Pipeline, map[string]string{}, []string{"data_drift"}
	spec.OnViolation = &o
	s := starting{guard: g, monitor: g.create(spec).Ref}
	s.step = g.stepNamed(monitorRetrain)
	return s
}

// stepNamed is a step of the monitor's job, as the cluster has it.
func (g guard) stepNamed(of string) argoTemplate {
	g.Helper()
	cron := control.Get(g, g.ref("cronworkflows.argoproj.io", "monitor-watch"))
	text, err := json.Marshal(cron.Object["spec"])
	g.must(err)
	var spec struct {
		Workflow workflowSpec `json:"workflowSpec"`
	}
	g.must(json.Unmarshal(text, &spec))
	i := slices.IndexFunc(spec.Workflow.Templates, func(t argoTemplate) bool { return t.Name == of })
	if i < 0 {
		g.Fatalf("the job has no step %s: %s", of, text)
	}
	return spec.Workflow.Templates[i]
}

// started runs a step that starts a pipeline as its pod would, and returns its status
// and what it says. It may be called while the test does something else.
func (g guard) started(step argoTemplate, host string, more ...string) (status int, said string) {
	held, err := g.backend.clusters[testCluster].get(g.Context(), identity{kindConfigMap, g.spec.Name, "monitor-watch"})
	if err != nil {
		return -1, err.Error()
	}
	text, _, _ := unstructured.NestedString(held.Object, "data", runFile)
	folder := g.TempDir()
	if err := os.WriteFile(filepath.Join(folder, runFile), []byte(text), 0o600); err != nil {
		return -1, err.Error()
	}
	var args []string
	for _, a := range step.Container.Args[1:] { // the first is retrain
		args = append(args, strings.Replace(a, monitorFolder+"/", folder+"/", 1))
	}
	account := "system:serviceaccount:" + g.spec.Name + ":" + step.Account
	access := func() (*rest.Config, error) {
		to := control.Access()
		config := &rest.Config{Host: to.Host, BearerToken: to.Token, Impersonate: rest.ImpersonationConfig{UserName: account}}
		config.CAData = to.CA
		if host != "" {
			config.Host, config.CAData = host, nil
		}
		return config, nil
	}
	var out bytes.Buffer
	status = retrainjob.Run(g.Context(), append(args, more...), access, &out, &out)
	return status, strings.TrimSpace(out.String())
}

// violated has the step run at a time, and insists on what becomes of the lease.
func (s starting) violated(at string, want mlops.RetrainingState, runs int) mlops.Retraining {
	s.Helper()
	status, said := s.started(s.step, "", "--now", at)
	if status != 0 {
		s.Fatalf("at %s it ends with %d: %s", at, status, said)
	}
	l := s.ledger()
	if l.State != want || len(s.runs()) != runs {
		s.Fatalf("at %s it says %q: %+v, want %s and %d runs; there are %v", at, said, l, want, runs, s.runs())
	}
	return l.Retraining
}

func (s starting) ledger() retrainjob.Ledger {
	s.Helper()
	l, err := retrainjob.Read(control.Get(s, s.part("leases.coordination.k8s.io")))
	s.must(err)
	return l
}

func (s starting) part(resource string) kubetest.Ref { return s.ref(resource, "monitor-watch") }

// runs are the names of those that violations started.
func (s starting) runs() []string {
	s.Helper()
	var names []string
	for _, o := range control.List(s, "workflows.argoproj.io", s.spec.Name, labelMonitor+"=watch") {
		names = append(names, o.GetName())
	}
	return names
}

// TestRetrainingLimits proves that a pipeline is started as the engine starts it: one run
// at a time, after the cooldown alone, so many times in a month, and that what somebody
// deleted counts.
func TestRetrainingLimits(t *testing.T) {
	t.Parallel()
	most := int64(2)
	held := func(pod *unstructured.Unstructured) kubetest.Outcome {
		out := playStep(pod)
		out.Running = true
		return out
	}
	s := newStarting(t, mlops.OnViolation{Cooldown: mlops.Duration(time.Hour), MaxPerMonth: &most}, held)
	first := s.violated("2026-03-10T12:00:00Z", mlops.RetrainingRunning, 1).LastRun
	s.violated("2026-03-20T12:00:00Z", mlops.RetrainingRunning, 1) // it is still at work
	s.ends(first)
	if r := s.violated("2026-03-10T12:59:59Z", mlops.RetrainingCooling, 1); !strings.Contains(r.Reason, "cooldown") || !strings.Contains(r.Reason, "the run failed") {
		t.Errorf("why it is not started is said as %q", r.Reason)
	}
	second := s.violated("2026-03-10T13:00:00Z", mlops.RetrainingRunning, 2).LastRun
	s.ends(second)
	if r := s.violated("2026-03-31T23:59:59Z", mlops.RetrainingExceeded, 2); r.ThisMonth != 2 {
		t.Errorf("%d starts are counted", r.ThisMonth)
	}
	third := s.violated("2026-04-01T00:00:00Z", mlops.RetrainingRunning, 3).LastRun
	at := s.workflow(third.Name())
	s.ends(third)
	control.Delete(t, at)
	control.WaitGone(t, at)
	if r := s.violated("2026-04-01T00:59:00Z", mlops.RetrainingCooling, 2); !strings.Contains(r.Reason, "the run was removed") {
		t.Errorf("of a run that somebody deleted it says %q", r.Reason)
	}
	seen := s.watched(s.monitor).Status.Retraining
	if seen.State != mlops.RetrainingCooling || seen.LastRun != third {
		t.Errorf("the status is %+v", seen)
	}
	s.destroy(s.monitor)
}

// ends ends a run from outside.
func (s starting) ends(run mlops.ID) {
	s.Helper()
	ref := s.workflow(run.Name())
	control.Patch(s, ref, `{spec: {shutdown: Terminate}}`)
	s.over(ref)
}

// TestRetrainingOnce proves that of checks that find a violation at the same moment one
// run comes.
func TestRetrainingOnce(t *testing.T) {
	t.Parallel()
	s := newStarting(t, mlops.OnViolation{}, playStep)
	const checks = 6
	var all sync.WaitGroup
	for range checks {
		all.Go(func() {
			if status, said := s.started(s.step, ""); status != 0 {
				t.Errorf("one ends with %d: %s", status, said)
			}
		})
	}
	all.Wait()
	if runs := s.runs(); len(runs) != 1 || s.ledger().LastRun.Name() != runs[0] || s.ledger().ThisMonth != 1 {
		t.Errorf("there are the runs %v, and the lease says %+v", runs, s.ledger())
	}
	if seen := s.ended(s.ledger().LastRun); seen.Status.State != mlops.RunSucceeded {
		t.Errorf("the run is %s: %s", seen.Status.State, seen.Reason)
	}
	r := s.watched(s.monitor).Status.Retraining
	if r.State != mlops.RetrainingDone || r.ThisMonth != 1 || !r.NextAllowed.Equal(r.LastAt.Add(mlops.DefaultCooldown)) {
		t.Errorf("the status is %+v", r)
	}
}

// TestRetrainingLostAnswers proves, for every write of a start, that one that was carried
// out and not answered is not made twice, and is finished by the next check.
func TestRetrainingLostAnswers(t *testing.T) {
	t.Parallel()
	s := newStarting(t, mlops.OnViolation{}, playStep)
	for lost := int64(1); ; lost++ {
		way := newLossy(t, lost)
		status, said := s.started(s.step, way.URL)
		if lost > way.writes.Load() {
			if status != 0 {
				t.Errorf("without a loss it ends with %d: %s", status, said)
			}
			break
		}
		if status, said = s.started(s.step, ""); status != 0 {
			t.Errorf("after write %d was lost the next ends with %d: %s", lost, status, said)
		}
		if runs, l := s.runs(), s.ledger(); len(runs) != 1 || !l.Made || l.LastRun.Name() != runs[0] || l.ThisMonth != 1 {
			t.Errorf("after write %d was lost there are the runs %v, and the lease says %+v", lost, runs, l)
		}
		s.forget()
	}
}

// forget takes back that anything was started.
func (s starting) forget() {
	s.Helper()
	for _, run := range s.runs() {
		control.Delete(s, s.workflow(run))
		control.WaitGone(s, s.workflow(run))
	}
	control.Patch(s, s.part("leases.coordination.k8s.io"), `{metadata: {annotations: {`+retrainjob.Note+`: null}}}`)
}

// TestRetrainingRefused proves that a start that the API server refuses is a failure that
// the monitor shows and whose cooldown runs, and that the account may do no more than its
// step does.
func TestRetrainingRefused(t *testing.T) {
	t.Parallel()
	s := newStarting(t, mlops.OnViolation{}, playStep)
	control.Patch(t, s.part("configmaps"), `{data: {`+runFile+`: '{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"namespace": "`+s.spec.Name+`", "generateName": "Not_A_Name-"}}'}}`)
	status, said := s.started(s.step, "")
	if status != 1 || !strings.Contains(said, "Not_A_Name") {
		t.Errorf("it ends with %d: %s", status, said)
	}
	r := s.watched(s.monitor).Status.Retraining
	if r.State != mlops.RetrainingFailed || !strings.Contains(r.Reason, "could not be started") || r.ThisMonth != 1 || r.NextAllowed.IsZero() {
		t.Errorf("the status is %+v", r)
	}
	role := control.Get(t, s.part("roles.rbac.authorization.k8s.io"))
	rules, _, _ := unstructured.NestedSlice(role.Object, "rules")
	want := []any{
		map[string]any{"apiGroups": []any{"argoproj.io"}, "resources": []any{"workflowtaskresults"}, "verbs": []any{"create", "patch"}},
		map[string]any{"apiGroups": []any{"argoproj.io"}, "resources": []any{"workflows"}, "verbs": []any{"create", "get"}},
		map[string]any{"apiGroups": []any{"coordination.k8s.io"}, "resources": []any{"leases"}, "resourceNames": []any{"monitor-watch"}, "verbs": []any{"get", "update"}},
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("the account may (-want +got):\n%s", diff)
	}
}

// TestRetrainingArguments proves what is refused of the command's arguments.
func TestRetrainingArguments(t *testing.T) {
	t.Parallel()
	good := map[string]string{"--lease": "l", "--pipeline": "kubernetes/test/dev/pipelines/train", "--run": "/nowhere.json", "--cooldown": "1h", "--max-per-month": "0"}
	for _, test := range []struct {
		name, flag, value string
		want              int
		says              string
	}{
		{"good, but for the file", "--max-per-month", "3", 1, "/nowhere.json"},
		{"no lease", "--lease", "", 2, "--lease"},
		{"no run", "--run", "", 2, "--run"},
		{"no pipeline", "--pipeline", "kubernetes/test/dev", 2, "--pipeline"},
		{"no cooldown", "--cooldown", "0s", 2, "--cooldown"},
		{"negative", "--max-per-month", "-1", 2, "--max-per-month"},
		{"another flag", "--more", "1", 2, "-more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all := maps.Clone(good)
			all[test.flag] = test.value
			var args []string
			for _, flag := range slices.Sorted(maps.Keys(all)) {
				args = append(args, flag, all[flag])
			}
			var out bytes.Buffer
			if got := retrainjob.Run(t.Context(), args, rest.InClusterConfig, &out, &out); got != test.want || !strings.Contains(out.String(), test.says) {
				t.Errorf("it ends with %d, want %d, and says %s", got, test.want, out.String())
			}
		})
	}
}
