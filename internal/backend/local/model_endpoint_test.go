package local

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/enginetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestCredentials takes an endpoint's token through the wire, and requests with
// and without it through the gateway.
func TestCredentials(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "engine")
	enginetest.Run(t, dir)
	b := openIn(t, dir, "us")
	t.Cleanup(func() { _ = b.Close() })
	endpoint := guarded(t, b)
	giver, ok := b.ModelEndpoints().(mlops.Credentialer)
	if !ok {
		t.Fatal("the backend gives no credentials out")
	}
	c, err := giver.Credentials(t.Context(), endpoint)
	if err != nil || c.Token == "" || c.Headers["Authorization"] != "Bearer "+c.Token {
		t.Fatalf("credentials for %s, headers %d, %v", c.URL, len(c.Headers), err)
	}
	for name, tt := range map[string]struct {
		token string
		want  int
	}{"with the token": {c.Token, http.StatusOK}, "without": {"", http.StatusUnauthorized}, "with another": {c.Token + "x", http.StatusUnauthorized}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+tt.token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, tt.want)
		}
	}
	if _, err := giver.Credentials(t.Context(), endpoint+"x"); b.Code(err) != mlops.NotFound {
		t.Errorf("of what is not there: %v", err)
	}
}

// guarded makes an endpoint that asks for its token.
func guarded(t *testing.T, b mlops.Backend) mlops.ID {
	t.Helper()
	artifact := filepath.Join(t.TempDir(), "model.bin")
	if err := os.WriteFile(artifact, []byte("model"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := mlops.EnvironmentSpec{ID: "local/e", Name: "e", Stage: "dev", Target: mlops.Target{Backend: name, Settings: mlops.Settings{}}}
	_, err := b.Environments().Create(t.Context(), environment)
	if err == nil {
		_, err = b.Models().Create(t.Context(), mlops.ModelSpec{Environment: environment.ID, Name: "m"})
	}
	if err != nil {
		t.Fatal(err)
	}
	version, err := b.ModelVersions().Create(t.Context(), mlops.ModelVersionSpec{
		Model: "local/e/models/m", ArtifactURI: artifact, Format: "custom", Approval: "approved", Command: []string{executable(t), asModelServer},
	})
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.ModelEndpoints().Create(t.Context(), mlops.ModelEndpointSpec{
		Environment: environment.ID, Name: "p", Access: mlops.AccessToken,
		Variants: map[string]mlops.Variant{"main": {Version: version.Ref, Traffic: 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		seen, err := b.ModelEndpoints().Get(t.Context(), made.Ref)
		if err == nil && seen.Phase == mlops.PhaseReady {
			return made.Ref
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%s because %q, %v", seen.Phase, seen.Reason, err)
		}
	}
}
