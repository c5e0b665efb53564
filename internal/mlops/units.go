package mlops

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as Go writes it: "10m", "1h30m".
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a Go duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"90s\" or \"1h30m\"", b)
	}
	*d = Duration(v)
	return nil
}

// Or returns the duration, or a default where it is zero.
func (d Duration) Or(def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return time.Duration(d)
}

// Quantity is a number of bytes, written with a unit: "512Mi", "4Gi", "1G".
type Quantity int64

// maxQuantity bounds a quantity to what a float64 holds exactly.
const maxQuantity = 1 << 53

var quantityUnits = []struct {
	suffix string
	bytes  int64
}{
	{"Ki", 1 << 10},
	{"Mi", 1 << 20},
	{"Gi", 1 << 30},
	{"Ti", 1 << 40},
	{"k", 1e3},
	{"M", 1e6},
	{"G", 1e9},
	{"T", 1e12},
}

// ParseQuantity reads a number of bytes with a unit of Kubernetes' spelling:
// Ki Mi Gi Ti (powers of 1024), k M G T (powers of 1000). A bare number would
// be ambiguous and is refused.
func ParseQuantity(s string) (Quantity, error) {
	for _, u := range quantityUnits {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(digits, 64)
		if err != nil || !(v*float64(u.bytes) >= 1) || v*float64(u.bytes) > maxQuantity {
			break
		}
		return Quantity(math.Round(v * float64(u.bytes))), nil
	}
	return 0, fmt.Errorf("%q is not an amount of memory such as \"512Mi\" or \"4Gi\"", s)
}

// String writes the quantity with the largest power of 1024 that divides it.
func (q Quantity) String() string {
	for i := 3; i >= 0; i-- {
		if u := quantityUnits[i]; q != 0 && int64(q)%u.bytes == 0 {
			return strconv.FormatInt(int64(q)/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatFloat(float64(q)/1e3, 'f', -1, 64) + "k"
}

// MarshalJSON writes the quantity as String does.
func (q Quantity) MarshalJSON() ([]byte, error) { return json.Marshal(q.String()) }

// UnmarshalJSON reads what ParseQuantity reads.
func (q *Quantity) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("an amount of memory is a string such as \"4Gi\": %w", err)
	}
	v, err := ParseQuantity(s)
	*q = v
	return err
}
