package serving

import (
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestCanaryUnderLoad rolls an endpoint with several servers forth by a canary
// and back while 200 requests a second come in, and loses none.
func TestCanaryUnderLoad(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	two := scaling(2, 4, 4, 0)
	one := spec(b.id("1"), two, env("DELAY", "5ms"))
	b.ready(one)
	traffic := b.send(200)
	began := time.Now()
	error0 := &mlops.Gates{MaxErrorPercent: new(0.0), MinRequests: 20}
	next := spec(b.id("2"), two, env("DELAY", "5ms"), rolled(mlops.Rollout{
		Strategy: "canary", Steps: []int64{10, 50, 90}, Bake: mlops.Duration(2 * time.Second), Gates: error0,
	}))
	b.accept(next)
	shares, o := b.percents(next.ID())
	if len(shares) != 3 || o.Revision != mlops.DigestOf(next) {
		t.Errorf("shares %v, then %s because %q", shares, o.Revision, o.Reason)
	}
	back := one
	back.Rollout = next.Rollout
	b.ready(back)
	before, _ := traffic.seen("one", 200)
	eventually(t, "the load goes on", func() bool { n, _ := traffic.seen("one", 200); return n > before+100 })
	traffic.end()
	traffic.wantOnly("one 200", "two 200")
	ones, _ := traffic.seen("one", 200)
	twos, _ := traffic.seen("two", 200)
	took := time.Since(began)
	t.Logf("%d requests in %s, %.0f a second: %d and %d answered by the old and the new version, none lost", ones+twos, took, float64(ones+twos)/took.Seconds(), ones, twos)
	if rate := float64(ones+twos) / took.Seconds(); rate < 100 {
		t.Errorf("only %.0f requests a second were sent", rate)
	}
}
