package acceptance

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// awsService is a service from training to watched answers.
const awsService = awsEnvironment + `
variable "trees" {
  type    = number
  default = 1
}
resource "mlops_pipeline" "p" {
  environment = mlops_environment.e.id
  name        = "train"
  steps       = { train = { command = ["python3", "-c", "train(${var.trees})"], outputs = ["model"] } }
  schedule    = { cron = "0 3 * * *" }
}
resource "mlops_pipeline_run" "r" {
  pipeline = mlops_pipeline.p.id
  triggers = { code = mlops_pipeline.p.version }
}
resource "mlops_model" "m" {
  environment = mlops_environment.e.id
  name        = "m"
}
resource "mlops_model_version" "v" {
  model  = mlops_model.m.id
  run    = mlops_pipeline_run.r.id
  output = "model"
  format = "sklearn"
}
resource "mlops_model_endpoint" "x" {
  environment = mlops_environment.e.id
  name        = "x"
  variants = {
    main = { version = mlops_model_version.v.id, traffic = 100, scaling = { min = 1, max = 2, target = { concurrency = 4 } } }
  }
}
resource "mlops_monitor" "w" {
  endpoint = mlops_model_endpoint.x.id
  name     = "w"
  window   = "1h"
  schedule = { cron = "0 * * * *" }
  health   = { max_error_percent = 1 }
}
output "serving" { value = mlops_model_endpoint.x.serving["main"].version }
`

// jobs counts what an account ran, by program.
type jobs struct {
	mu  sync.Mutex
	ran map[string]int
}

// counted makes an account count the jobs that it runs.
func counted(a *awstest.Server) *jobs {
	j := &jobs{ran: map[string]int{}}
	a.World.SetHooks(simulated.Hooks{RunStep: func(run simulated.StepRun) (map[string][]byte, string) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.ran[run.Step]++
		return runStep(run)
	}})
	return j
}

func (j *jobs) count(step string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ran[step]
}

// killAt applies, and kills the provider when AWS has carried a call out and has
// not answered yet: the worst moment, for nobody knows what came of it.
func killAt(t *testing.T, w *tfcli.Workspace, a *awstest.Server, at simulated.Rule, args ...string) {
	t.Helper()
	held := make(chan struct{})
	at.After, at.Hold = true, held
	name := at.Service + "." + at.Operation
	a.ResetCalls()
	a.Inject(at)
	apply := w.Start(append([]string{"apply", "-auto-approve"}, args...)...)
	if !eventually(func() bool { return a.Calls()[name] > at.Skip }) {
		t.Fatalf("nobody called %s: %v", name, a.Calls())
	}
	if w.KillProviders(apply) == 0 {
		t.Fatal("there was no provider to kill")
	}
	close(held)
	a.Heal()
	if r := apply.Wait(); r.Code == 0 {
		t.Fatalf("apply succeeded without its provider:\n%s", r.Out)
	}
}

// other are the arguments of an apply that makes another model.
func other() []string { return []string{"-var", "trees=2"} }

// TestAccSageMakerKilled kills the provider in the middle of each kind of object,
// when it is made and when it is changed. The next apply finishes what was begun:
// nothing is there twice, nothing is left over, and no job runs again.
func TestAccSageMakerKilled(t *testing.T) {
	t.Parallel()
	clean := account(t, simulated.Config{Looks: 1})
	w := onAWS(t, clean, awsService)
	w.Apply()
	made := clean.World.Names()
	w.Apply(other()...)
	changed := clean.World.Names()
	w.Destroy()
	for _, at := range []simulated.Rule{
		{Service: "ssm", Operation: "PutParameter"},
		{Service: "iam", Operation: "CreateRole"},
		{Service: "s3", Operation: "PUT"},
		{Service: "s3", Operation: "PUT", Skip: 3},
		{Service: "sns", Operation: "CreateTopic"},
		{Service: "ssm", Operation: "PutParameter", Skip: 1},
		{Service: "sagemaker", Operation: "CreatePipeline"},
		{Service: "scheduler", Operation: "CreateSchedule"},
		{Service: "sagemaker", Operation: "StartPipelineExecution"},
		{Service: "sagemaker", Operation: "CreateModelPackageGroup"},
		{Service: "sagemaker", Operation: "CreateModelPackage"},
		{Service: "sagemaker", Operation: "CreateModel", Skip: 1}, // the first proves the role
		{Service: "sagemaker", Operation: "CreateEndpointConfig"},
		{Service: "sagemaker", Operation: "CreateEndpoint"},
		{Service: "application-autoscaling", Operation: "RegisterScalableTarget"},
		{Service: "monitoring", Operation: "PutMetricAlarm"},
	} {
		t.Run("create/"+at.Operation, func(t *testing.T) {
			t.Parallel()
			a := account(t, simulated.Config{Looks: 1})
			repaired(t, onAWS(t, a, awsService), a, at, made)
		})
	}
	for _, at := range []simulated.Rule{
		{Service: "sagemaker", Operation: "UpdatePipeline"},
		{Service: "sagemaker", Operation: "AddTags"},
		{Service: "sagemaker", Operation: "StartPipelineExecution"},
		{Service: "sagemaker", Operation: "CreateModelPackage"},
		{Service: "sagemaker", Operation: "CreateModel"},
		{Service: "sagemaker", Operation: "CreateEndpointConfig"},
		{Service: "sagemaker", Operation: "UpdateEndpoint"},
		{Service: "sagemaker", Operation: "DeleteEndpointConfig"},
	} {
		t.Run("update/"+at.Operation, func(t *testing.T) {
			t.Parallel()
			a := account(t, simulated.Config{Looks: 1})
			w := onAWS(t, a, awsService)
			w.Apply()
			repaired(t, w, a, at, changed, other()...)
		})
	}
}

// repaired kills an apply at a call and proves that the next one leaves what an
// apply leaves that nobody killed.
func repaired(t *testing.T, w *tfcli.Workspace, a *awstest.Server, at simulated.Rule, want []string, args ...string) {
	t.Helper()
	ran := counted(a)
	killAt(t, w, a, at, args...)
	w.Apply(args...)
	w.Must(append([]string{"plan", "-detailed-exitcode"}, args...)...)
	if d := cmp.Diff(want, a.World.Names()); d != "" {
		t.Errorf("the account, compared with that of an apply that nobody killed (-want +got):\n%s", d)
	}
	if n := ran.count("train"); n != 1 {
		t.Errorf("the step ran %d times", n)
	}
	w.Destroy()
}

// TestAccSageMakerKilledWhileWaiting kills the provider while SageMaker works: on a
// job, on a first endpoint, on a change of one. The next apply waits for the same
// work, and starts none of its own.
func TestAccSageMakerKilledWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, begun, looked string
		before              bool // the service is there already
	}{
		{"run", "sagemaker.StartPipelineExecution", "sagemaker.DescribePipelineExecution", false},
		{"endpoint", "sagemaker.CreateEndpoint", "sagemaker.DescribeEndpoint", false},
		{"change of the endpoint", "sagemaker.UpdateEndpoint", "sagemaker.DescribeEndpoint", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t, simulated.Config{Looks: 1})
			ran := counted(a)
			w := onAWS(t, a, awsService)
			if tt.before {
				w.Apply()
			}
			killWaiting(t, w, a, tt.begun, tt.looked)
			w.Apply("-var", "trees=2")
			w.Must("plan", "-detailed-exitcode", "-var", "trees=2")
			if got := a.Calls()[tt.begun]; got != 1 {
				t.Errorf("%s was called %d times", tt.begun, got)
			}
			want := 1
			if tt.before {
				want = 2 // one for each program
			}
			if n := ran.count("train"); n != want {
				t.Errorf("the step ran %d times, want %d", n, want)
			}
			w.Destroy()
		})
	}
}

// killWaiting applies the next program, lets the work that a call begins go on for
// ever, and kills the provider when it has looked at that more than once.
func killWaiting(t *testing.T, w *tfcli.Workspace, a *awstest.Server, begun, looked string) {
	t.Helper()
	const forever = 1 << 30
	held := make(chan struct{})
	service, operation, _ := strings.Cut(begun, ".")
	a.ResetCalls()
	a.Inject(simulated.Rule{Service: service, Operation: operation, Hold: held})
	apply := w.Start("apply", "-auto-approve", "-var", "trees=2")
	called := func(name string, times int) {
		t.Helper()
		if !eventually(func() bool { return a.Calls()[name] >= times }) {
			t.Fatalf("%s was not called %d times: %v", name, times, a.Calls())
		}
	}
	called(begun, 1)
	a.World.SetLooks(forever)
	close(held)
	called(looked, a.Calls()[looked]+2)
	if w.KillProviders(apply) == 0 {
		t.Fatal("there was no provider to kill")
	}
	apply.Wait()
	a.World.SetLooks(1)
}
