package sagemaker

import (
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// lookAge is for how long a look answers for the step that it called due. Whoever
// looked takes the step at once; a step that comes later looks for itself.
const lookAge = 2 * time.Second

// endpointLooks keep what a look found for the step that it called due: the step would
// look again, and see the same. A step takes what is kept for it once, and nothing is
// kept that was seen before a change of this process's own ended. Its zero value is ready.
type endpointLooks struct {
	mu      sync.Mutex
	changes map[mlops.ID]int // how many this process has made
	kept    map[mlops.ID]endpointLook
}

type endpointLook struct {
	at    time.Time
	state endpointState
}

// begin says as of which change a look begins.
func (l *endpointLooks) begin(id mlops.ID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes[id]
}

// keep keeps a look that began as of a change, if it is still the newest.
func (l *endpointLooks) keep(id mlops.ID, change int, state endpointState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changes[id] != change {
		return
	}
	if l.kept == nil {
		l.kept = map[mlops.ID]endpointLook{}
	}
	l.kept[id] = endpointLook{time.Now(), state}
}

// take hands out what is kept, unless it is too old.
func (l *endpointLooks) take(id mlops.ID) (endpointState, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.kept[id]
	delete(l.kept, id)
	return found.state, ok && time.Since(found.at) < lookAge
}

// changed drops what was seen of an endpoint, and what is being seen now. It is called
// before a change gives its turn away.
func (l *endpointLooks) changed(id mlops.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changes == nil {
		l.changes = map[mlops.ID]int{}
	}
	l.changes[id]++
	delete(l.kept, id)
}
