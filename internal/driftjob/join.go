package driftjob

import (
	"time"
)

// mostWaiting is how many bytes of bodies wait for their other half. Answers come
// seconds after their requests, so what is given up beyond that is mostly what failed.
const mostWaiting = 64 << 20

// join brings requests and answers together that come in any order, with others
// between them.
type join struct {
	row     func(asked, answered record, at time.Time)
	halves  map[string]half // by id; one half of each
	order   []string        // ids in halves, oldest first, with some that are gone
	waiting int             // bytes
	missed  int64           // halves that were given up
}

type half struct {
	record

	at time.Time
}

// overhead is what a half costs beside its body, roughly.
const overhead = 256

func (h half) size() int { return len(h.Body) + len(h.ID) + overhead }

func newJoin(row func(asked, answered record, at time.Time)) *join {
	return &join{row: row, halves: map[string]half{}}
}

func (j *join) add(r record, at time.Time) {
	other, waits := j.halves[r.ID]
	switch {
	case waits && other.isRequest() && r.isAnswer():
		j.row(other.record, r, other.at)
	case waits && other.isAnswer() && r.isRequest():
		j.row(r, other.record, at)
	default: // also the same half once more, which takes the place of the first
		j.wait(half{r, at})
		return
	}
	j.drop(r.ID)
}

func (j *join) wait(h half) {
	j.drop(h.ID)
	j.halves[h.ID] = h
	j.order = append(j.order, h.ID)
	j.waiting += h.size()
	for j.waiting > mostWaiting && len(j.order) > 0 {
		oldest := j.order[0]
		j.order = j.order[1:]
		if _, waits := j.halves[oldest]; waits {
			j.drop(oldest)
			j.missed++
		}
	}
	j.tidy()
}

func (j *join) drop(id string) {
	if h, waits := j.halves[id]; waits {
		j.waiting -= h.size()
		delete(j.halves, id)
	}
}

// tidy takes those that are gone out of the order, when they are most of it.
func (j *join) tidy() {
	const few = 1000
	if len(j.order) < few || len(j.order) < 2*len(j.halves) {
		return
	}
	kept := make([]string, 0, len(j.halves))
	for _, id := range j.order {
		if _, waits := j.halves[id]; waits {
			kept = append(kept, id)
		}
	}
	j.order = kept
}
