package monitors

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// BenchmarkCheck checks a window of 100,000 rows of 20 numbers, in requests of 50,
// for drift and data quality.
func BenchmarkCheck(b *testing.B) {
	const requests, each, features = 2000, 50, 20
	bench, random := newBench(b), seeded(7)
	row := func() string {
		values := make([]string, features)
		for i := range values {
			values[i] = fmt.Sprintf("%.6f", random.NormFloat64())
		}
		return strings.Join(values, ",")
	}
	names := strings.TrimSuffix(lines(features, func(i int) string { return fmt.Sprintf("f%d,", i) }), ",")
	baseline := bench.file("b.csv", names+"\n"+lines(10_000, func(int) string { return row() + "\n" }))
	bench.write(gateway.CaptureFile, lines(requests, func(i int) string {
		rows := strings.TrimSuffix(lines(each, func(int) string { return "[" + row() + "]," }), ",")
		return line(fmt.Sprintf("r%d", i), time.Now().Add(-time.Minute), 200, `{"instances":[`+rows+`]}`, `{"predictions":[]}`)
	}))
	bench.watch(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = &mlops.Baseline{URI: baseline}, &mlops.DriftCheck{}
		s.DataQuality = &mlops.DataQualityCheck{MaxRangePercent: new(1.0)}
	})
	b.ReportAllocs()
	for b.Loop() {
		if r := bench.check(mlops.MonitorOK); r.Rows != requests*each {
			b.Fatalf("%d rows", r.Rows)
		}
	}
	b.ReportMetric(float64(requests*each)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
