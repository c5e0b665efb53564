package gateway

import (
	"math/rand/v2"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Route is how one endpoint is served.
type Route struct {
	Environment string // name
	Endpoint    string // name
	Variants    []Variant
	Timeout     time.Duration // of one request at a replica; 0 is one minute
	Capture     Capture
}

// Variant is a share of an endpoint's requests.
type Variant struct {
	Name     string
	Version  mlops.ID // what answers
	Weight   int64    // relative to the sum of all variants'
	Protocol Protocol
	Pool     *Pool
}

// Capture says which requests are kept.
type Capture struct {
	Percent int64  // of requests; 0 keeps none
	Dir     string // where they are written
}

const defaultTimeout = time.Minute

func (r *Route) timeout() time.Duration {
	if r.Timeout == 0 {
		return defaultTimeout
	}
	return r.Timeout
}

// pick returns the index of a variant by weight, or -1 if none has any.
func (r *Route) pick() int {
	var sum int64
	for i := range r.Variants {
		sum += r.Variants[i].Weight
	}
	if sum <= 0 {
		return -1
	}
	at := rand.Int64N(sum) //nolint:gosec // a fair share needs no secrecy
	for i := range r.Variants {
		if at -= r.Variants[i].Weight; at < 0 {
			return i
		}
	}
	return -1
}
