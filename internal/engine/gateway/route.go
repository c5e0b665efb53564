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
	Shadow      *Shadow   // who gets copies of requests; nil for nobody
	Token       string    // that requests must bear; "" for none
	Asleep      time.Time // until when there is no service; zero while there is
	History     string    // file in which figures by minute outlive the gateway; "" for none
}

// Variant is a share of an endpoint's requests.
type Variant struct {
	Name     string
	Version  mlops.ID // what answers
	Weight   int64    // relative to the sum of all variants'
	Protocol Protocol
	Pool     *Pool
	Meter    *Meter // of the requests that it gets by this route; nil for none
}

// Shadow is who gets copies of requests, whose answers nobody sees.
type Shadow struct {
	Percent  int64     // of requests
	Variants []Variant // by weight, as in a Route
}

// Capture says which requests are kept.
type Capture struct {
	Percent int64  // of requests; 0 keeps none
	Dir     string // where they are written, and the truth about them
}

const defaultTimeout = time.Minute

func (r *Route) timeout() time.Duration {
	if r.Timeout == 0 {
		return defaultTimeout
	}
	return r.Timeout
}

// pick returns the index of a variant by weight, or -1 if none has any.
func pick(variants []Variant) int {
	var sum int64
	for i := range variants {
		sum += variants[i].Weight
	}
	if sum <= 0 {
		return -1
	}
	at := rand.Int64N(sum) //nolint:gosec // a fair share needs no secrecy
	for i := range variants {
		if at -= variants[i].Weight; at < 0 {
			return i
		}
	}
	return -1
}
