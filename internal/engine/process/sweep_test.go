package process

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestSweepEndsWhatLeftItsGroup(t *testing.T) {
	t.Parallel()
	leaves := "setsid sh -c 'echo $$ >child; exec sleep 300' & while [ ! -s child ]; do sleep 0.05; done"
	first, firstSpec := start(t, leaves)
	second, secondSpec := start(t, leaves)
	_, bystander := start(t, "echo $$ >child; exec sleep 300")
	wait(t, first)
	wait(t, second)
	Sweep(first, second)
	gone(t, pidIn(t, filepath.Join(firstSpec.Dir, "child")))
	gone(t, pidIn(t, filepath.Join(secondSpec.Dir, "child")))
	again, err := Recover(bystander.State)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-again.Done():
		t.Error("a process that nobody swept has ended")
	default:
	}
}

// orphan makes a process's record what it is between the start and the writing
// of its PID.
func orphan(t *testing.T, state string) {
	t.Helper()
	b, err := os.ReadFile(recordFile(state))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	r.PID, r.Created = 0, 0
	if err := newHandle(state, r).save(); err != nil {
		t.Fatal(err)
	}
}

func TestRecoverWithoutPID(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "while [ ! -e go ]; do sleep 0.05; done; exit 7")
	orphan(t, spec.State)
	again, err := Recover(spec.State)
	if err != nil {
		t.Fatal(err)
	}
	if again.PID() != h.PID() {
		t.Errorf("found process %d, want %d", again.PID(), h.PID())
	}
	if err := os.WriteFile(filepath.Join(spec.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, again); got.Code != 7 {
		t.Errorf("exit %+v, want status 7", got)
	}
}

func TestRecoverEndedWithoutPID(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "exit 5")
	wait(t, h)
	orphan(t, spec.State)
	again, err := Recover(spec.State)
	if err != nil {
		t.Fatal(err)
	}
	if got := wait(t, again); got.Code != 5 {
		t.Errorf("exit %+v, want status 5", got)
	}
}

func TestRecoverWithoutPIDOrProcess(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "exec sleep 300")
	orphan(t, spec.State)
	h.Stop(t.Context(), 0)
	// It may have had the time to tell how it ended, which what never was has not,
	// and the system may take a moment to forget it.
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if err := os.RemoveAll(exitFile(spec.State)); err != nil {
			t.Fatal(err)
		}
		if _, err = Recover(spec.State); err != nil {
			break
		}
	}
	if mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("recovering what never was: %v, want not found", err)
	}
}

func TestRecoverDamagedRecord(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	if err := os.WriteFile(recordFile(state), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(state); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("recovering from a damaged record: %v, want not found", err)
	}
}

func TestRecoverDoesNotTakeAnothersPID(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "exec sleep 300")
	h.Stop(t.Context(), 0)
	other, _ := start(t, "exec sleep 300")
	r := h.record
	r.PID = other.PID() // as if the system had given it out again
	r.Created = other.record.Created - 2*bornWithin
	if err := newHandle(spec.State, r).save(); err != nil {
		t.Fatal(err)
	}
	again, err := Recover(spec.State)
	if err != nil {
		t.Fatal(err)
	}
	if got := wait(t, again); got.Code >= 0 {
		t.Errorf("exit %+v of a process that was killed", got)
	}
	again.Stop(t.Context(), 0)
	select {
	case <-other.Done():
		t.Error("stopping a process that has ended ended another one with its PID")
	default:
	}
}

func TestStartRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := Spec{Args: []string{"true"}, Dir: dir, Log: filepath.Join(dir, "log"), State: filepath.Join(dir, "state")}
	tests := []struct {
		name  string
		spoil func(*Spec)
	}{
		{"no such directory", func(s *Spec) { s.Dir = filepath.Join(dir, "none") }},
		{"state below a file", func(s *Spec) { s.State = filepath.Join(file, "state") }},
		{"log below a file", func(s *Spec) { s.Log = filepath.Join(file, "log") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := good
			tt.spoil(&spec)
			if h, err := Start(spec); err == nil {
				h.Stop(t.Context(), 0)
				t.Error("started")
			}
		})
	}
}
