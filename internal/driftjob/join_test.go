package driftjob

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestJoin writes halves as r1 for a request and a1 for its answer.
func TestJoin(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, halves, want string }{
		{"one after the other", "r1 a1 r2 a2", "1@0 2@2"},
		{"between each other", "r1 r2 a2 a1", "2@1 1@0"},
		{"answer first", "a1 r1", "1@1"},
		{"no answer", "r1 r2 a2", "2@1"},
		{"no request", "a1 a2 r2", "2@2"},
		{"a request once more takes the place of the first", "r1 r1 a1", "1@1"},
		{"an id once more", "r1 a1 r1 a1", "1@0 1@2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			j := newJoin(func(asked, answered record, at time.Time) {
				if !asked.isRequest() || !answered.isAnswer() || asked.ID != answered.ID {
					t.Errorf("%s with %s", asked.ID, answered.ID)
				}
				got = append(got, fmt.Sprintf("%s@%d", asked.ID, int(at.Sub(noon()).Seconds())))
			})
			for i, h := range strings.Fields(tt.halves) {
				j.add(record{Type: map[byte]string{'r': "a.request", 'a': "a.response"}[h[0]], ID: h[1:]}, noon().Add(time.Duration(i)*time.Second))
			}
			if d := cmp.Diff(strings.Fields(tt.want), got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
		})
	}
}

// TestJoinIsBounded: requests that fail for a day do not fill the memory, and those
// that are answered are found among them.
func TestJoinIsBounded(t *testing.T) {
	t.Parallel()
	rows, body := 0, make([]byte, 1<<20)
	j := newJoin(func(record, record, time.Time) { rows++ })
	const many = 2000
	for i := range many {
		id := strconv.Itoa(i)
		j.add(record{Type: "a.request", ID: id, Body: body}, noon())
		j.add(record{Type: "a.request", ID: "ok" + id, Body: body}, noon())
		j.add(record{Type: "a.response", ID: "ok" + id}, noon())
		if j.waiting > mostWaiting || len(j.halves) > mostWaiting>>20 {
			t.Fatalf("%d bytes of %d requests wait", j.waiting, len(j.halves))
		}
	}
	if rows != many || j.missed < many-mostWaiting>>20 || len(j.order) > 2000 {
		t.Errorf("%d rows, %d given up, %d in order", rows, j.missed, len(j.order))
	}
}
