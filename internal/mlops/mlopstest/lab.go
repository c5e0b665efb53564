package mlopstest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The owners that rules act as.
const (
	us   = "us"
	them = "them"
)

// lab is one rule at work in one world.
type lab struct {
	*testing.T

	harness Harness
	world   World
	backend mlops.Backend // opened by us
	made    map[string]mlops.ID
	names   int
}

// observed is a look at an object of any noun.
type observed = mlops.Observed[any, any]

func newLab(t *testing.T, h Harness) *lab {
	t.Helper()
	l := &lab{T: t, harness: h, world: h.NewWorld(t), made: map[string]mlops.ID{}}
	l.backend = l.open(us)
	l.world = l.world.complete(h, l.open(them))
	return l
}

// open opens the world in the name of an owner.
func (l *lab) open(owner string) mlops.Backend {
	l.Helper()
	b := l.world.Open(l.T, owner)
	l.Cleanup(func() {
		if err := b.Close(); err != nil {
			l.Errorf("closing the backend: %v", err)
		}
	})
	return b
}

// fresh returns a name that was not used in this world.
func (l *lab) fresh() string {
	l.names++
	return l.world.Prefix + "suite-" + strconv.Itoa(l.names)
}

// kind returns a noun's kind as we see it.
func (l *lab) kind(n noun) anyKind { return n.kind(l.backend) }

// create makes an object and waits until it is ready.
func (l *lab) create(n noun, spec any) observed {
	l.Helper()
	change, err := l.kind(n).Create(l.Context(), spec)
	if err != nil {
		l.Fatalf("create %s: %v", n.name, err)
	}
	return l.ready(n, change)
}

// update changes an object and waits until the change is in force.
func (l *lab) update(n noun, ref mlops.ID, spec any) observed {
	l.Helper()
	change, err := l.kind(n).Update(l.Context(), ref, spec)
	if err != nil {
		l.Fatalf("update %s: %v", ref, err)
	}
	return l.ready(n, change)
}

// destroy deletes an object and waits until it is gone.
func (l *lab) destroy(n noun, ref mlops.ID) {
	l.Helper()
	if err := l.kind(n).Delete(l.Context(), ref); err != nil {
		l.Fatalf("delete %s: %v", ref, err)
	}
	l.gone(n, ref)
}

// ready waits until a change is in force.
func (l *lab) ready(n noun, change mlops.Change) observed {
	l.Helper()
	seen := l.settled(n, change.Ref)
	if seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision {
		l.Fatalf("%s is %s at revision %q, want ready at %q: %s", change.Ref, seen.Phase, seen.Revision, change.Revision, seen.Reason)
	}
	return seen
}

// settled waits until nothing is under way.
func (l *lab) settled(n noun, ref mlops.ID) observed {
	l.Helper()
	var seen observed
	l.awaitf(func() bool {
		seen = l.get(n, ref)
		return seen.Phase == mlops.PhaseReady || seen.Phase == mlops.PhaseFailed
	}, "%s never settled", ref)
	return seen
}

// gone waits until an object is not found.
func (l *lab) gone(n noun, ref mlops.ID) {
	l.Helper()
	l.awaitf(func() bool {
		seen, err := l.kind(n).Get(l.Context(), ref)
		if err == nil && seen.Due {
			l.advance(n, ref)
		}
		return l.code(err) == mlops.NotFound
	}, "%s is still there", ref)
}

// get takes one look that must succeed.
func (l *lab) get(n noun, ref mlops.ID) observed {
	l.Helper()
	seen, err := l.kind(n).Get(l.Context(), ref)
	if err != nil {
		l.Fatalf("get %s: %v", ref, err)
	}
	if seen.Due {
		l.advance(n, ref)
	}
	return seen
}

// advance takes the step that is due, as the lifecycle would.
func (l *lab) advance(n noun, ref mlops.ID) {
	l.Helper()
	err := l.kind(n).Advance(l.Context(), ref)
	if code := l.code(err); err != nil && code != mlops.NotFound && code != mlops.Conflict && code != mlops.Unavailable {
		l.Fatalf("advance %s: %v", ref, err)
	}
}

// list returns what is under a parent, by ID; nothing where the platform cannot
// list.
func (l *lab) list(n noun, parent mlops.ID) map[mlops.ID]observed {
	l.Helper()
	if !l.kind(n).lists() || parent == "" {
		return nil
	}
	all, err := l.kind(n).List(l.Context(), parent)
	if err != nil {
		l.Fatalf("list %s under %q: %v", n.name, parent, err)
	}
	out := map[mlops.ID]observed{}
	for _, seen := range all {
		out[seen.Ref] = seen
	}
	if len(out) != len(all) {
		l.Errorf("%d objects listed, %d different ones", len(all), len(out))
	}
	return out
}

// awaitf polls until done, or fails the test when patience ends. It asks at first often
// and then twice a second: where the platform is a real one, looks are most of its work.
func (l *lab) awaitf(done func() bool, format string, args ...any) {
	l.Helper()
	deadline := time.Now().Add(l.harness.Patience)
	for pause := 2 * time.Millisecond; !done(); pause = min(pause*3/2, time.Second/2) {
		if time.Now().After(deadline) {
			l.Fatalf(format, args...)
		}
		time.Sleep(pause)
	}
}

// code classifies an error as callers would.
func (l *lab) code(err error) mlops.Code {
	if err == nil {
		return ""
	}
	return l.backend.Code(err)
}

// wantCode insists on one of some codes.
func (l *lab) wantCode(what string, err error, want ...mlops.Code) {
	l.Helper()
	if got := l.code(err); !slices.Contains(want, got) {
		l.Errorf("%s: error %v has code %q, want one of %q", what, err, got, want)
	}
}

// wantCancelled insists on the context's own error.
func (l *lab) wantCancelled(what string, err error) {
	l.Helper()
	if !errors.Is(err, context.Canceled) {
		l.Errorf("%s with a cancelled context: %v, want %v", what, err, context.Canceled)
	}
}

// wantSpec insists that a spec came back as it was accepted, but for secrets.
// Specs are equal if their digests are; the difference is for the reader.
func (l *lab) wantSpec(seen observed, want any) {
	l.Helper()
	want = withoutSecrets(want)
	if mlops.DigestOf(seen.Spec) != mlops.DigestOf(want) {
		l.Errorf("%s: spec came back different (-want +got):\n%s", seen.Ref, cmp.Diff(want, seen.Spec))
	}
}

// withoutSecrets is a spec as it is given back.
func withoutSecrets(spec any) any {
	if e, ok := spec.(mlops.EnvironmentSpec); ok {
		return e.WithoutSecrets()
	}
	s, ok := spec.(mlops.MonitorSpec)
	if !ok || s.Alerts == nil {
		return spec
	}
	alerts := *s.Alerts
	alerts.WebhookURL = ""
	s.Alerts = &alerts
	return s
}
