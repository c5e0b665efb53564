package provider

import (
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Conversions of single values between attributes, where null is nil, and the
// domain, where it is the zero value. They are total: a text that is malformed
// is reported by its attribute's type, and is zero here.

func valueOf[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// valueOr returns what p points to, or a default.
func valueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// nullable is null for the zero value.
func nullable[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func idOf(p *string) mlops.ID { return mlops.ID(valueOf(p)) }

func nullableID(id mlops.ID) *string { return nullable(string(id)) }

func durationOf(p *string) mlops.Duration {
	d, err := time.ParseDuration(valueOf(p))
	if err != nil {
		return 0
	}
	return mlops.Duration(d)
}

// nullableDuration writes a duration without the zero parts that Go adds.
func nullableDuration(d mlops.Duration) *string {
	if d == 0 {
		return nil
	}
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return &s
}

func quantityOf(p *string) mlops.Quantity {
	q, err := mlops.ParseQuantity(valueOf(p))
	if err != nil {
		return 0
	}
	return q
}

func nullableQuantity(q mlops.Quantity) *string {
	if q == 0 {
		return nil
	}
	s := q.String()
	return &s
}

func nullableTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

// each converts the values of a map. A nil map stays nil: null is not empty.
func each[A, B any](in map[string]A, convert func(A) B) map[string]B {
	if in == nil {
		return nil
	}
	out := make(map[string]B, len(in))
	for k, v := range in {
		out[k] = convert(v)
	}
	return out
}
