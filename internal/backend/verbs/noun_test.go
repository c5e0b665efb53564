package verbs

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// shelf is a platform with one place, of which the tests say what happens there.
type shelf struct {
	calls []string
	found []any // what each look finds: a Kept, or an error
	added error
}

func (s *shelf) look(context.Context, string) (Kept, error) {
	s.calls = append(s.calls, "look")
	next := s.found[0]
	s.found = s.found[1:]
	if err, ok := next.(error); ok {
		return Kept{}, err
	}
	kept, _ := next.(Kept)
	return kept, nil
}

// did notes a call, and answers it.
func (s *shelf) did(what string, err error) error {
	s.calls = append(s.calls, what)
	return err
}

func (s *shelf) noun(turns *Turns) Noun[mlops.ID, string, Kept] {
	return Noun[mlops.ID, string, Kept]{
		Owner: "us", Turns: turns, Code: mlops.CodeOf,
		ID:   func(spec mlops.ID) mlops.ID { return spec },
		Kept: func(k Kept) Kept { return k },
		Admit: func(_ context.Context, spec mlops.ID) error {
			if spec == "bad" {
				return mlops.NewError(mlops.Invalid, errors.New("bad"))
			}
			return nil
		},
		Scene: func(_ context.Context, id mlops.ID) (string, error) { return string(id), nil },
		Look:  s.look,
		Add: func(_ context.Context, _ string, spec mlops.ID) (mlops.Change, error) {
			return mlops.Change{Ref: spec}, s.did("add", s.added)
		},
		Change: func(_ context.Context, _ string, spec mlops.ID, _ Kept) (mlops.Change, error) {
			return mlops.Change{Ref: spec}, s.did("change", nil)
		},
		Drop:  func(context.Context, string, Kept) error { return s.did("drop", nil) },
		Sweep: func(context.Context, string) error { return s.did("sweep", nil) },
	}
}

// TestVerbs proves what each verb does of what a look finds.
func TestVerbs(t *testing.T) {
	t.Parallel()
	absent := mlops.NewError(mlops.NotFound, errors.New("absent"))
	taken := mlops.NewError(mlops.AlreadyExists, errors.New("taken"))
	foreign := mlops.NewError(mlops.Invalid, fmt.Errorf("the thing: %w", ErrNoRecord))
	ours, theirs, going := Kept{ID: "a", Owner: "us"}, Kept{ID: "a", Owner: "them"}, Kept{ID: "a", Owner: "us", Leaving: true}
	create := func(spec mlops.ID) func(Noun[mlops.ID, string, Kept]) error {
		return func(n Noun[mlops.ID, string, Kept]) error { _, err := n.Create(context.Background(), spec); return err }
	}
	update := func(ref, spec mlops.ID) func(Noun[mlops.ID, string, Kept]) error {
		return func(n Noun[mlops.ID, string, Kept]) error {
			_, err := n.Update(context.Background(), ref, spec)
			return err
		}
	}
	remove := func(n Noun[mlops.ID, string, Kept]) error { return n.Remove(context.Background(), "a") }
	advance := func(n Noun[mlops.ID, string, Kept]) error {
		return n.Advance(context.Background(), "a", func(ctx context.Context, s string, _ Kept) error { return n.Sweep(ctx, s) })
	}
	for _, tt := range []struct {
		name  string
		do    func(Noun[mlops.ID, string, Kept]) error
		found []any
		added error
		want  []string
		code  mlops.Code
	}{
		{name: "create what is not there", do: create("a"), found: []any{absent}, want: []string{"look", "add"}},
		{name: "create what is ours", do: create("a"), found: []any{ours}, want: []string{"look", "change"}},
		{name: "create what is theirs", do: create("a"), found: []any{theirs}, want: []string{"look"}, code: mlops.AlreadyExists},
		{name: "create what is nobody's of ours", do: create("a"), found: []any{foreign}, want: []string{"look"}, code: mlops.AlreadyExists},
		{name: "create what we made meanwhile", do: create("a"), found: []any{absent, ours}, added: taken, want: []string{"look", "add", "look", "change"}},
		{name: "create what they made meanwhile", do: create("a"), found: []any{absent, theirs}, added: taken, want: []string{"look", "add", "look"}, code: mlops.AlreadyExists},
		{name: "create what goes", do: create("a"), found: []any{going}, want: []string{"look"}, code: mlops.Conflict},
		{name: "create what cannot be", do: create("bad"), code: mlops.Invalid},
		{name: "update", do: update("a", "a"), found: []any{theirs}, want: []string{"look", "change"}},
		{name: "update what is not there", do: update("a", "a"), found: []any{absent}, want: []string{"look"}, code: mlops.NotFound},
		{name: "update to another", do: update("a", "b"), code: mlops.Invalid},
		{name: "update what goes", do: update("a", "a"), found: []any{going}, want: []string{"look"}, code: mlops.Conflict},
		{name: "remove", do: remove, found: []any{theirs}, want: []string{"look", "drop"}},
		{name: "remove what goes", do: remove, found: []any{going}, want: []string{"look", "drop"}},
		{name: "advance", do: advance, found: []any{going}, want: []string{"look", "sweep"}},
		{name: "advance what is gone", do: advance, found: []any{absent}, want: []string{"look"}, code: mlops.NotFound},
		{name: "remove what is gone", do: remove, found: []any{absent}, want: []string{"look", "sweep"}, code: mlops.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{found: tt.found, added: tt.added}
			err := tt.do(s.noun(&Turns{}))
			if code := mlops.CodeOf(err); code != tt.code {
				t.Errorf("error %v, want code %q", err, tt.code)
			}
			if diff := cmp.Diff(tt.want, s.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
