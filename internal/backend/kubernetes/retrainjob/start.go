package retrainjob

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/retrain"
)

// randomName is how many random characters the name of a run ends with, as the API server
// would have it end.
const randomName = 5

// job is one call of the command.
type job struct {
	lease    string
	pipeline mlops.ID
	file     string                     // of the run
	run      *unstructured.Unstructured // which has no name yet
	on       mlops.OnViolation
	now      time.Time
}

// cluster is what a job asks of the API server.
type cluster struct {
	leases, workflows dynamic.ResourceInterface
}

func newCluster(client dynamic.Interface, namespace string) cluster {
	of := func(group, version, resource string) dynamic.ResourceInterface {
		return client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource}).Namespace(namespace)
	}
	return cluster{of("coordination.k8s.io", "v1", "leases"), of("argoproj.io", "v1alpha1", "workflows")}
}

// start starts the run, if that may be now, and returns what came of it in words.
func (j job) start(ctx context.Context, c cluster) (words string, err error) {
	var l Ledger
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		l, err = j.decide(ctx, c)
		return err
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("the lease %s: %w", j.lease, err)
	case l.State == mlops.RetrainingRunning && l.Made:
		return "it is at work: " + string(l.LastRun), nil
	case !l.unmade():
		return string(l.State) + ": " + l.Reason, nil
	}
	failure := j.make(ctx, c, l.LastRun.Name())
	if failure != nil && !isFinal(failure) {
		return "", fmt.Errorf("%s is not made yet: %w", l.LastRun, failure)
	}
	if err := j.note(ctx, c, l, failure); err != nil {
		return "", fmt.Errorf("the lease %s: %w", j.lease, errors.Join(err, failure))
	}
	return "started " + string(l.LastRun), failure
}

// decide writes into the lease that a run is started, or why none is. What it returns is
// as the lease has it: a start that is unmade is this call's to make, or one that an
// earlier call was kept from.
func (j job) decide(ctx context.Context, c cluster) (Ledger, error) {
	lease, err := c.leases.Get(ctx, j.lease, metav1.GetOptions{})
	if err != nil {
		return Ledger{}, err
	}
	before, err := Read(lease)
	if err != nil {
		return Ledger{}, err
	}
	l, err := j.follow(ctx, c, before)
	if err != nil {
		return l, err
	}
	if !l.unmade() {
		var starts bool
		if l.Retraining, starts = retrain.Violated(l.Retraining, j.on, j.now); starts {
			l.LastRun, l.Made = j.pipeline.Child(mlops.NounPipelineRun, j.run.GetGenerateName()+rand.String(randomName)), false
		}
	}
	if l == before {
		return l, nil
	}
	if err := l.write(lease); err != nil {
		return l, err
	}
	_, err = c.leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: agent})
	return l, err
}

// follow looks at the run of the last start.
func (j job) follow(ctx context.Context, c cluster, l Ledger) (Ledger, error) {
	if l.State != mlops.RetrainingRunning {
		return l, nil
	}
	run, err := c.workflows.Get(ctx, l.LastRun.Name(), metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return l, err
	}
	if err != nil {
		run = nil
	}
	l = l.Follow(run)
	if l.unmade() && l.LastRun.Parent() != j.pipeline {
		l.Retraining = retrain.Failed(l.Retraining, "another pipeline was asked for before this one was started")
	}
	return l, nil
}

// make makes a run, unless it is there.
func (j job) make(ctx context.Context, c cluster, name string) error {
	run := j.run.DeepCopy()
	run.SetGenerateName("")
	run.SetName(name)
	_, err := c.workflows.Create(ctx, run, metav1.CreateOptions{FieldManager: agent, FieldValidation: metav1.FieldValidationStrict})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// note writes what became of a start.
func (j job) note(ctx context.Context, c cluster, started Ledger, failure error) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		lease, err := c.leases.Get(ctx, j.lease, metav1.GetOptions{})
		if err != nil {
			return err
		}
		l, err := Read(lease)
		if err != nil || l.LastRun != started.LastRun || !l.unmade() {
			return err // somebody else's step has
		}
		l.Retraining, l.Made = retrain.Started(l.Retraining, l.LastRun, failure), failure == nil
		if err := l.write(lease); err != nil {
			return err
		}
		_, err = c.leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: agent})
		return err
	})
}

// isFinal reports whether the API server would say the same of a run the next time.
func isFinal(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) || apierrors.IsNotFound(err)
}

// agent is who writes, to the API server.
const agent = "terraform-provider-mlops-retrain"

// readRun reads the run's manifest.
func readRun(file string) (*unstructured.Unstructured, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	run := &unstructured.Unstructured{}
	if err := run.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	if run.GetGenerateName() == "" || run.GetNamespace() == "" {
		return nil, errors.New("it has no generateName, or no namespace")
	}
	return run, nil
}
