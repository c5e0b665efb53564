package verbs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestTurns proves that one at a time has a key, that other keys are free, and that
// whoever stops waiting leaves nothing.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l Turns
		unlock, err := l.Take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := l.Take(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		other()

		impatient, leave := context.WithCancel(t.Context())
		var left error
		go func() { _, left = l.Take(impatient, "a") }()
		entered := false
		go func() {
			if unlock, err := l.Take(t.Context(), "a"); err == nil {
				entered = true
				unlock()
			}
		}()
		synctest.Wait()
		if entered {
			t.Error("two have a key")
		}
		leave()
		synctest.Wait()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("who stopped waiting got %v", left)
		}
		unlock()
		synctest.Wait()
		if !entered || len(l.held) != 0 {
			t.Errorf("the next has it: %t; %d keys are held", entered, len(l.held))
		}
		if _, err := l.Take(impatient, "c"); !errors.Is(err, context.Canceled) {
			t.Errorf("a free key in a cancelled context: %v", err)
		}
	})
}
