package retrainjob

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/retrain"
)

// Note is the annotation of a monitor's lease that has its Ledger, as JSON.
const Note = "terraform-mlops.github.io/retraining"

// Ledger is what a monitor's violations have started.
type Ledger struct {
	mlops.Retraining

	// Made says that the run of the last start was there: one that is not any more was
	// deleted, and is not made again.
	Made bool `json:"made,omitempty"`
}

// Read reads the ledger of a lease. One that nobody wrote is empty.
func Read(lease *unstructured.Unstructured) (Ledger, error) {
	var l Ledger
	text := lease.GetAnnotations()[Note]
	if text == "" {
		return l, nil
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return Ledger{}, fmt.Errorf("the annotation %s of the lease %s: %w", Note, lease.GetName(), err)
	}
	return l, nil
}

// write puts the ledger into a lease.
func (l Ledger) write(lease *unstructured.Unstructured) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	notes := lease.GetAnnotations()
	if notes == nil {
		notes = map[string]string{}
	}
	notes[Note] = string(text)
	lease.SetAnnotations(notes)
	return nil
}

// Follow is the ledger when the run of the last start is as it is; nil is one that is not
// there.
func (l Ledger) Follow(run *unstructured.Unstructured) Ledger {
	if l.State != mlops.RetrainingRunning {
		return l
	}
	if run == nil {
		if l.Made {
			l.Retraining = retrain.Failed(l.Retraining, "the run was removed")
		}
		return l
	}
	l.Made = true
	phase, _, _ := unstructured.NestedString(run.Object, "status", "phase")
	switch phase {
	case "Succeeded":
		l.Retraining = retrain.Succeeded(l.Retraining)
	case "Failed", "Error":
		message, _, _ := unstructured.NestedString(run.Object, "status", "message")
		l.Retraining = retrain.Failed(l.Retraining, "the run failed: "+message)
	}
	return l
}

// unmade reports whether a start has no run yet.
func (l Ledger) unmade() bool { return l.State == mlops.RetrainingRunning && !l.Made }
