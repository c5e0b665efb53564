package memory

import (
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// whim is how a change misbehaves.
type whim struct {
	fail  string
	stuck bool
}

// whimOf reads the two words that make a change misbehave.
func whimOf(words map[string]string) whim {
	_, stuck := words["memory_stuck"]
	return whim{fail: words["memory_fail"], stuck: stuck}
}

// What a variant in memory is measured to do where its version's labels are
// silent.
const (
	usualRequests = 1000
	usualLatency  = 10 * time.Millisecond
)

// figuresOf is what a version's labels say that its servers do. A word that is
// no figure is the usual one.
func figuresOf(labels map[string]string) mlops.Figures {
	requests, err := strconv.ParseInt(labels["memory_requests"], 10, 64)
	if err != nil {
		requests = usualRequests
	}
	percent, err := strconv.ParseFloat(labels["memory_error_percent"], 64)
	if err != nil {
		percent = 0
	}
	latency, err := time.ParseDuration(labels["memory_latency"])
	if err != nil {
		latency = usualLatency
	}
	each := mlops.Duration(latency)
	return mlops.Figures{Requests: requests, Errors: int64(float64(requests) * percent / 100), P50: each, P95: each, P99: each}
}
