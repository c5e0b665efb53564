package engine_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestPagesOfAnEngine: a running engine shows what it has, where its endpoints
// answer, and to its own machine alone.
func TestPagesOfAnEngine(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	e := ensure(t, o)
	made(t, connect(t, o).Environments(), environmentSpec("dev"))
	tests := []struct {
		name, path, host string
		status           int
		want             string
	}{
		{"environments", "/-/", "", http.StatusOK, "local/dev"},
		{"environment", "/-/local/dev", "", http.StatusOK, "Pipelines"},
		{"none", "/-/local/none", "", http.StatusNotFound, "Not here"},
		{"another host", "/-/", "mlops.example.com", http.StatusForbidden, "own machine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.Inference+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = tt.host
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Errorf("%d, want %d with %q: %s", response.StatusCode, tt.status, tt.want, body)
			}
		})
	}
}

// TestMailServerIsSealed: the engine learns of the mail server with the first
// monitor that needs it, and no file that it writes has the password.
func TestMailServerIsSealed(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	ensure(t, o)
	spec := mlops.MonitorSpec{
		Endpoint: "local/dev/endpoints/churn", Name: "health", Schedule: mlops.Schedule{Cron: "0 * * * *"},
		Health: &mlops.HealthCheck{MinRequests: 1}, Alerts: &mlops.Alerts{Emails: []string{"ada@example.com"}},
	}
	if _, err := connect(t, o).Monitors().Create(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "no mail server is known") {
		t.Errorf("without a mail server: %v", err)
	}
	o.MailServer = "smtp://robot:hush-hush@mail.example.com?from=mlops@example.com"
	if _, err := connect(t, o).Monitors().Create(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "there is no local/dev/endpoints/churn") {
		t.Errorf("with one: %v", err)
	}
	files := 0
	err := filepath.WalkDir(o.Directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("hush-hush")) {
			t.Errorf("%s has the password", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
