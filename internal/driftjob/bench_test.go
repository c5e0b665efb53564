package driftjob

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// BenchmarkMillion checks a million rows of ten numbers, in requests of 100, and tells the
// most memory that was in use. Files of one record are two for each request.
func BenchmarkMillion(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d in each file", batch), func(b *testing.B) { million(b, batch) })
	}
}

func million(b *testing.B, batch int) {
	b.Helper()
	const requests, each, features = 10_000, 100, 10
	bench, random := newBench(b), rand.New(rand.NewPCG(1, 1))
	var names, baseline strings.Builder
	for i := range features {
		fmt.Fprintf(&names, ",f%d", i)
	}
	for range 10_000 {
		baseline.WriteString(numbers(random, features) + "\n")
	}
	path := bench.file("b.csv", names.String()[1:]+"\n"+baseline.String(), noon())
	var records []string
	for i := range requests {
		rows := make([]string, each)
		for k := range rows {
			rows[k] = "[" + numbers(random, features) + "]"
		}
		id := fmt.Sprintf("r%d", i)
		request := logged(id, "request", `{"instances":[`+strings.Join(rows, ",")+`]}`)
		answer := logged(id, "response", `{"predictions":[]}`)
		if batch == 1 {
			bench.file(object(id, "request"), request, noon().Add(-time.Hour))
			bench.file(object(id, "response"), answer, noon().Add(-time.Hour))
			continue
		}
		if records = append(records, request, answer); len(records) >= batch {
			bench.file(object(id, "request"), "["+strings.Join(records, ",")+"]", noon().Add(-time.Hour))
			records = nil
		}
	}
	s := spec(func(s *mlops.MonitorSpec) { s.Baseline.Format = "csv" })
	j := job{baseline: path, captures: bench.captures(), now: noon()}
	b.ReportAllocs()
	runtime.GC()
	for b.Loop() {
		x := checks.New(monitor, s, j.now)
		peak := watchHeap()
		if err := j.gather(b.Context(), x, s); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(peak())/(1<<20), "MiB-heap")
		if r := x.Report(nil); r.Rows != requests*each {
			b.Fatalf("%d rows: %s", r.Rows, r.Reason)
		}
	}
	b.ReportMetric(float64(requests*each)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func numbers(random *rand.Rand, n int) string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%.6f", random.NormFloat64())
	}
	return strings.Join(values, ",")
}

// watchHeap looks at the heap again and again, and returns what gives its greatest size.
func watchHeap() (peak func() uint64) {
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		var greatest uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			greatest = max(greatest, m.HeapAlloc)
			select {
			case <-done:
				most <- greatest
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(done); return <-most }
}
