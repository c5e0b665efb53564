package store

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "engine.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func model(name string) mlops.ModelSpec {
	return mlops.ModelSpec{Environment: "local/e", Name: name, Labels: map[string]string{}}
}

func accept(t *testing.T, s *Store, owner string, spec mlops.ModelSpec) Record[mlops.ModelSpec, mlops.ModelStatus] {
	t.Helper()
	r, err := s.Models().Accept(t.Context(), spec.ID(), owner, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func settle(t *testing.T, s *Store, id mlops.ID) {
	t.Helper()
	_, err := s.Models().Change(t.Context(), id, func(_ *Tx, r *Record[mlops.ModelSpec, mlops.ModelStatus]) error {
		r.Settle()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfARecord(t *testing.T) {
	t.Parallel()
	s := open(t)
	spec := model("m")
	r := accept(t, s, "me", spec)
	if r.Phase != mlops.PhasePending || r.Revision != "" || r.WantedRevision == "" {
		t.Fatalf("accepted: %+v", r)
	}
	if diff := cmp.Diff(spec, r.Observed().Spec); diff != "" {
		t.Errorf("while nothing is in force the wanted spec shows:\n%s", diff)
	}
	settle(t, s, spec.ID())
	got, err := s.Models().Get(t.Context(), spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	if got.Phase != mlops.PhaseReady || got.Revision != r.WantedRevision || got.Wanted != nil {
		t.Errorf("settled: %+v", got)
	}
	if diff := cmp.Diff(spec, got.Spec); diff != "" {
		t.Error(diff)
	}
	again := accept(t, s, "me", spec)
	if again.Phase != mlops.PhaseReady {
		t.Errorf("accepting what is in force starts work: %+v", again)
	}
	if err := s.Models().Delete(t.Context(), spec.ID(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Models().Get(t.Context(), spec.ID()); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("after delete: %v", err)
	}
}

func TestRollBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := accept(t, s, "me", model("m"))
	first.RollBack("broken")
	if first.Phase != mlops.PhaseFailed || first.Reason != "broken" {
		t.Errorf("nothing to go back to: %+v", first)
	}
	settle(t, s, first.ID)
	changed := model("m")
	changed.Description = "new"
	second := accept(t, s, "me", changed)
	second.RollBack("broken")
	if o := second.Observed(); o.Phase != mlops.PhaseReady || o.Spec.Description != "" || o.Revision != mlops.DigestOf(model("m")) {
		t.Errorf("went back to %+v", o)
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	s := open(t)
	accept(t, s, "me", model("m"))
	_, err := s.Models().Accept(t.Context(), model("m").ID(), "you", model("m"), nil)
	if mlops.CodeOf(err) != mlops.AlreadyExists {
		t.Errorf("another owner: %v", err)
	}
	accept(t, s, "", model("free"))
	if r := accept(t, s, "you", model("free")); r.Owner != "you" {
		t.Errorf("nobody's object was not adopted: %+v", r)
	}
}

func TestGuardsRollTheTransactionBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	refuse := errors.New("no")
	_, err := s.Models().Accept(t.Context(), "local/e/models/m", "", model("m"), func(*Tx, *Record[mlops.ModelSpec, mlops.ModelStatus]) error { return refuse })
	if !errors.Is(err, refuse) {
		t.Errorf("error %v", err)
	}
	if list, err := s.Models().List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("left %v, %v", list, err)
	}
}

func TestListIsByNounAndParent(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, name := range []string{"b", "a", "a2"} {
		accept(t, s, "", model(name))
	}
	other := mlops.ModelSpec{Environment: "local/e2", Name: "x"}
	accept(t, s, "", other)
	list, err := s.Models().List(t.Context(), "local/e")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, r.Observed().Spec.Name)
	}
	if diff := cmp.Diff([]string{"b", "a", "a2"}, got); diff != "" {
		t.Errorf("oldest first, only of this environment:\n%s", diff)
	}
	err = s.Write(t.Context(), func(tx *Tx) error {
		n, err := tx.Children(t.Context(), "local/e")
		if n != 3 {
			t.Errorf("%d children, want 3", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	s := open(t)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			spec := model("m" + strconv.Itoa(i))
			if _, err := s.Models().Accept(t.Context(), spec.ID(), "", spec, nil); err != nil {
				t.Error(err)
			}
			if _, err := s.Models().Get(t.Context(), spec.ID()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if list, err := s.Models().List(t.Context(), ""); err != nil || len(list) != 50 {
		t.Errorf("%d records, %v", len(list), err)
	}
}

func TestDamagedFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"not a database", func([]byte) []byte { return []byte(strings.Repeat("no database at all ", 500)) }},
		{"overwritten pages", func(b []byte) []byte {
			for i := 4096; i < len(b); i++ {
				b[i] = 0xff
			}
			return b
		}},
		{"cut off", func(b []byte) []byte { return b[:len(b)/2] }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "engine.db")
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 200 {
				accept(t, s, "", model("m"+strconv.Itoa(i)))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = tt.damage(b)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), path)
			if mlops.CodeOf(err) != mlops.Failed || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "left as it is") {
				t.Fatalf("error %v", err)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !cmp.Equal(b, after) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "engine.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer version of the provider") {
		t.Errorf("error %v", err)
	}
}

// TestKillLosesNothing has a child write records until it is killed, and
// expects every record that the child had reported as written.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "engine.db")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestWriterChild$")
	cmd.Env = append(os.Environ(), "STORE_WRITER="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reported := readNames(t, out, 50)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, name := range reported {
		if _, err := s.Models().Get(t.Context(), model(name).ID()); err != nil {
			t.Errorf("%s was accepted and is lost: %v", name, err)
		}
	}
}

func readNames(t *testing.T, out io.Reader, n int) []string {
	t.Helper()
	var text strings.Builder
	buf := make([]byte, 256)
	for strings.Count(text.String(), "\n") < n {
		k, err := out.Read(buf)
		text.Write(buf[:k])
		if err != nil {
			t.Fatalf("writer ended: %v\n%s", err, text.String())
		}
	}
	lines := strings.Split(text.String(), "\n")
	return lines[:len(lines)-1]
}

// TestWriterChild is the child of TestKillLosesNothing; on its own it has
// nothing to do.
func TestWriterChild(t *testing.T) {
	path := os.Getenv("STORE_WRITER")
	if path == "" {
		return
	}
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100000 {
		name := "m" + strconv.Itoa(i)
		accept(t, s, "", model(name))
		if _, err := os.Stdout.WriteString(name + "\n"); err != nil {
			return
		}
	}
}
