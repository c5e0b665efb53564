package gateway

import (
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestTallyAgainstSortedValues compares quantiles with those of the values
// themselves, for latencies as servers have them and for strange ones.
func TestTallyAgainstSortedValues(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	tests := []struct {
		name string
		took func() float64 // seconds
	}{
		{"log-normal around 20 ms", func() float64 { return 0.02 * math.Exp(r.NormFloat64()) }},
		{"uniform", r.Float64},
		{"two kinds", func() float64 { return []float64{0.0004, 3}[r.IntN(2)] }},
		{"always the same", func() float64 { return 0.0125 }},
		{"from microseconds to minutes", func() float64 { return math.Pow(10, -6+8*r.Float64()) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got tally
			const n = 10001
			values := make([]time.Duration, n)
			for i := range values {
				values[i] = time.Duration(tt.took() * float64(time.Second))
				got.add(i%10 == 0, values[i])
			}
			slices.Sort(values)
			f := got.figures()
			if f.Requests != n || f.Errors != 1001 {
				t.Errorf("%d requests, %d errors", f.Requests, f.Errors)
			}
			for _, q := range []struct {
				share float64
				got   mlops.Duration
			}{{0.5, f.P50}, {0.95, f.P95}, {0.99, f.P99}} {
				want := values[int(q.share*(n-1))]
				if off := math.Abs(float64(q.got)-float64(want)) / float64(want); off > 1.01*sketchAccuracy {
					t.Errorf("quantile %g is %s, want %s: off by %.2f %%", q.share, time.Duration(q.got), want, 100*off)
				}
			}
			// All of what is far enough from the limit is on its right side.
			limit := values[n/2]
			least, most := 0, 0
			for _, v := range values {
				if float64(v) > 1.02*float64(limit) {
					least++
				}
				if float64(v) > 0.98*float64(limit) {
					most++
				}
			}
			if above := int(got.above(limit)); above < least || above > most {
				t.Errorf("%d above the limit; want %d to %d", above, least, most)
			}
		})
	}
}

func TestMeterCountsWhatIsNeverAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMeter()
		hung := m.Begin(time.Now())
		time.Sleep(2 * time.Second)
		m.Begin(time.Now()).Abandon()
		young := m.Begin(time.Now())
		if r := m.Read(0); r.Requests != 0 || r.Unanswered != 2 {
			t.Errorf("without a limit: %d requests, %d unanswered", r.Requests, r.Unanswered)
		}
		r := m.Read(time.Second)
		if r.Requests != 1 || r.Unanswered != 1 || r.Above(time.Second) != 1 || r.Errors != 0 {
			t.Errorf("with a limit: %+v", r)
		}
		hung.End(true)
		young.End(false)
		if f := m.Read(time.Second).Figures; f.Requests != 2 || f.Errors != 1 {
			t.Errorf("at the end: %+v", f)
		}
	})
	var none *Meter
	none.Begin(time.Now()).End(true) // measures nothing
}

func TestMeterMeasuresItsRouteOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	hold, reached := make(chan struct{}), make(chan struct{})
	p := pool(upstream(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			close(reached)
			<-hold
		case "/bad":
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	step := func() *Meter {
		m := NewMeter()
		v := variant("a", 100, Passthrough, p)
		v.Meter = m
		b.put(nil, v)
		return m
	}
	first := step()
	var wg sync.WaitGroup
	wg.Go(func() { b.do("GET", "/dev/churn/slow", "") })
	<-reached
	second := step()
	b.do("GET", "/dev/churn/bad", "")
	b.do("GET", "/dev/churn", "")
	close(hold)
	wg.Wait()
	eventually(t, "the slow request is counted", func() bool { return first.Read(0).Requests == 1 })
	if f := first.Read(0); f.Errors != 0 || f.Unanswered != 0 {
		t.Errorf("first step: %+v", f)
	}
	if f := second.Read(0); f.Requests != 2 || f.Errors != 1 {
		t.Errorf("second step: %+v", f)
	}
}

func TestSummarizeMergesSketches(t *testing.T) {
	t.Parallel()
	var whole tally
	var minutes []Minute
	for i := range 3 {
		var part tally
		for j := range 1000 {
			took := time.Duration(1+i*1000+j) * time.Millisecond
			part.add(j == 0, took)
			whole.add(j == 0, took)
		}
		minutes = append(minutes, Minute{Figures: part.figures(), Sketch: part.encode()})
	}
	if d := cmp.Diff(whole.figures(), Summarize(minutes)); d != "" {
		t.Errorf("figures of the parts together (-whole +merged):\n%s", d)
	}
	minutes[1].Sketch = []byte("damaged")
	if f := Summarize(minutes); f.Requests != 3000 || f.Errors != 3 {
		t.Errorf("with a damaged sketch: %+v", f)
	}
}
