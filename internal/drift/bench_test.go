package drift

import "testing"

func BenchmarkCollector(b *testing.B) {
	values := normal(seeded(1), 10_000, 0, 1)
	c := NewCollector([]Column{{"x", Numeric}})
	b.SetBytes(8)
	for b.Loop() {
		c.Numbers(0, values)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/value")
}

func BenchmarkWindow(b *testing.B) {
	p := numbers(normal(seeded(1), 100_000, 0, 1))
	values := normal(seeded(2), 10_000, 0, 1)
	w := NewWindow(p)
	for b.Loop() {
		w.Numbers(0, values)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/value")
}

func BenchmarkWindowTexts(b *testing.B) {
	values := words(seeded(1), 10_000)
	w := NewWindow(texts(values))
	for b.Loop() {
		w.Texts(0, values, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/value")
}
