package kubetest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// judged is a test whose failures and whose end are another's.
type judged struct {
	testing.TB

	mu   sync.Mutex
	said []string
	ends []func()
}

func (j *judged) Cleanup(f func()) { j.ends = append(j.ends, f) }

func (j *judged) end() {
	for _, f := range j.ends {
		f()
	}
}

func (j *judged) Errorf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.said = append(j.said, fmt.Sprintf(format, args...))
}

func (j *judged) all() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.said, "\n")
}

// TestPlayersFail proves that a test which cannot say what becomes of a pod fails alone,
// and that its pods have an outcome.
func TestPlayersFail(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.Nodes)
	namespace := cluster.Namespace(t)
	j := &judged{TB: t}
	cluster.Play(j, namespace, func(pod *unstructured.Unstructured) kubetest.Outcome {
		if pod.GetName() == "fatal" {
			runtime.Goexit() // as Fatal does, once the test has failed
		}
		panic("no outcome is left")
	})
	for _, name := range []string{"fatal", "panics"} {
		cluster.Apply(t, namespace, pod(name, "cpu: 100m", ""))
		cluster.Wait(t, kubetest.Ref{Resource: "pods", Namespace: namespace, Name: name}, "failed", func(o *unstructured.Unstructured) bool {
			return kubetest.Text(o, "status", "phase") == "Failed"
		})
	}
	j.end()
	if said := j.all(); !strings.Contains(said, namespace+"/panics: no outcome is left") || strings.Contains(said, "/fatal:") {
		t.Errorf("the test is told %q", said)
	}
}

// TestPlayersLeave proves that nobody asks a test that is over.
func TestPlayersLeave(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.Nodes)
	namespace := cluster.Namespace(t)
	j := &judged{TB: t}
	cluster.Play(j, namespace, func(*unstructured.Unstructured) kubetest.Outcome { return kubetest.Outcome{ExitCode: 3} })
	j.end()
	cluster.Apply(t, namespace, pod("later", "cpu: 100m", ""))
	cluster.Wait(t, kubetest.Ref{Resource: "pods", Namespace: namespace, Name: "later"}, "ready", func(o *unstructured.Unstructured) bool {
		return kubetest.Condition(o, "Ready") == "True"
	})
}
