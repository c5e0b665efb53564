package driftjob

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// copied is a record of a server, as KServe's logger writes it where the request says to
// whom it is copied; see LogRequest in pkg/logger/types.go of KServe.
func copied(id, kind, body, server, to string) string {
	more := fmt.Sprintf(`,"inferenceService":%q,"namespace":"churn-dev","component":"predictor"`, server)
	if to != "" {
		more += fmt.Sprintf(`,"metadata":{%q:[%q]}`, mlops.HeaderCopies, to)
	}
	return strings.TrimSuffix(logged(id, kind, body), "}") + more + "}"
}

// TestCopiesDoNotCount proves that a record counts unless its server is one of those to
// which the request was copied, alone in its file and in a batch, also where the copy has
// the id of what it is a copy of.
func TestCopiesDoNotCount(t *testing.T) {
	t.Parallel()
	const request, answer = `{"instances":[{"age":31}]}`, `{"predictions":[1]}`
	for _, tt := range []struct {
		name, server, to string
		rows             int64
	}{
		{"no copy", "churn-new", "", 1},
		{"copied to another", "churn-old", "churn-new", 1},
		{"copied to one of a like name", "churn-new", "churn-new2,churn-ne", 1},
		{"a copy", "churn-new", "churn-new", 0},
		{"a copy to several", "churn-new", "churn-newer,churn-new", 0},
	} {
		for _, batch := range []bool{false, true} {
			b, at := newBench(t), noon().Add(-time.Hour)
			asked, answered := copied("r1", "request", request, tt.server, tt.to), copied("r1", "response", answer, tt.server, tt.to)
			if batch { // with the request that it is a copy of, or that is a copy of it
				asked = "[" + asked + "," + copied("r2", "request", request, "churn-old", tt.to) + "]"
				answered = "[" + answered + "," + copied("r2", "response", answer, "churn-old", tt.to) + "]"
			}
			b.file(object("r1", "request"), asked, at)
			b.file(object("r1", "response"), answered, at.Add(time.Second))
			want := tt.rows
			if batch {
				want++
			}
			if out := b.run(spec(nil)); out.Report.Rows != want {
				t.Errorf("%s (batch %t): %d requests count, want %d: %s", tt.name, batch, out.Report.Rows, want, out.stderr)
			}
		}
	}
}
