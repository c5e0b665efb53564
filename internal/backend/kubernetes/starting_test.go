package kubernetes

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestStartingServer proves that what a server refuses while it starts is asked again,
// and what it refuses when it is ready once more.
func TestStartingServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		starting int64 // answers until it is ready
		ready    bool  // it says that it is, nevertheless
		status   int
		then     int // status of a server that is ready
		calls    int64
		code     mlops.Code
	}{
		{name: "forbidden at first", starting: 1, status: http.StatusForbidden, then: http.StatusOK, calls: 2},
		{name: "unknown at first", starting: 1, status: http.StatusUnauthorized, then: http.StatusOK, calls: 2},
		{name: "ready meanwhile", status: http.StatusForbidden, then: http.StatusOK, ready: true, starting: 1, calls: 2},
		{name: "forbidden", status: http.StatusForbidden, then: http.StatusForbidden, calls: 2, code: mlops.PermissionDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				isReady := tt.ready || calls.Load() > tt.starting
				switch {
				case r.URL.Path == "/readyz" && !isReady:
					w.WriteHeader(http.StatusInternalServerError)
				case r.URL.Path == "/readyz":
				case calls.Add(1) <= tt.starting:
					w.WriteHeader(tt.status)
				default:
					w.WriteHeader(tt.then)
				}
			}))
			t.Cleanup(server.Close)
			b := open(mlops.Options{Settings: mlops.Settings{settingHost: server.URL, settingCluster: testCluster}})
			c, err := b.in(mlops.EnvironmentID(name, []string{testCluster}, "churn"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.raw(t.Context(), "/apis/x")
			if code := b.Code(err); err != nil && code != tt.code || err == nil && tt.code != "" {
				t.Errorf("error %v, want code %q", err, tt.code)
			}
			if got := calls.Load(); got != tt.calls {
				t.Errorf("%d calls, want %d", got, tt.calls)
			}
		})
	}
}
