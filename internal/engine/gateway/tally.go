package gateway

import (
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Latencies are sketched: quantiles are off by at most this share of their
// value, over a range of times from well below a millisecond to hours.
const (
	sketchAccuracy = 0.005
	sketchBins     = 2048
)

// tally counts requests and sketches how long their answers took. Its user
// guards it against concurrent use. The zero value is empty.
type tally struct {
	requests, errors int64
	took             *ddsketch.DDSketch // seconds; nil while there was no request
}

func (t *tally) add(failed bool, took time.Duration) {
	t.requests++
	if failed {
		t.errors++
	}
	if t.took == nil {
		t.took = newSketch()
	}
	_ = t.took.Add(took.Seconds()) // fails for what no duration is
}

func newSketch() *ddsketch.DDSketch {
	// The mapping is refused for accuracies that are no share, which ours is.
	m, _ := mapping.NewCubicallyInterpolatedMapping(sketchAccuracy)
	return ddsketch.NewDDSketch(m, newBins(), newBins())
}

func newBins() store.Store { return store.NewCollapsingLowestDenseStore(sketchBins) }

// figures are what was counted.
func (t *tally) figures() mlops.Figures {
	f := mlops.Figures{Requests: t.requests, Errors: t.errors}
	if t.took == nil {
		return f
	}
	q, err := t.took.GetValuesAtQuantiles([]float64{0.5, 0.95, 0.99})
	if err == nil { // it is not empty
		f.P50, f.P95, f.P99 = seconds(q[0]), seconds(q[1]), seconds(q[2])
	}
	return f
}

func seconds(s float64) mlops.Duration { return mlops.Duration(s * float64(time.Second)) }

// above counts the requests that took longer than a limit.
func (t *tally) above(limit time.Duration) int64 {
	if t.took == nil {
		return 0
	}
	var n float64
	t.took.ForEach(func(value, count float64) bool {
		if value > limit.Seconds() {
			n += count
		}
		return false
	})
	return int64(n)
}

// clone returns a tally that can be added to without changing this one.
func (t *tally) clone() tally {
	c := *t
	if c.took != nil {
		c.took = c.took.Copy()
	}
	return c
}

// encode returns the sketch's bytes, nil where there is none.
func (t *tally) encode() []byte {
	if t.took == nil {
		return nil
	}
	var b []byte
	t.took.Encode(&b, false)
	return b
}

// merge adds what another tally counted, whose sketch is encoded.
func (t *tally) merge(requests, errors int64, took []byte) error {
	t.requests += requests
	t.errors += errors
	if len(took) == 0 {
		return nil
	}
	if t.took == nil {
		t.took = newSketch()
	}
	return t.took.DecodeAndMergeWith(took)
}
