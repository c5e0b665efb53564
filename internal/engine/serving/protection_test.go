package serving

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestDeletionProtection(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	protect := func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.DeletionProtection = true }
	s := spec(b.id("1"), protect)
	b.ready(s)
	err := b.Delete(t.Context(), s.ID())
	if e, ok := errors.AsType[*mlops.Error](err); !ok || e.Code != mlops.Invalid || e.Field != "deletion_protection" || !strings.Contains(err.Error(), "deletion_protection = false") {
		t.Errorf("error %v", err)
	}
	b.wantModel("one")
	b.ready(spec(b.id("1")))
	b.remove(s.ID())
	failed := spec(b.id("1"), protect, env("BEHAVIOUR", "exit"))
	if o := b.apply(failed); o.Phase != mlops.PhaseFailed {
		t.Fatalf("%s", o.Phase)
	}
	b.remove(s.ID()) // what never served is nothing to protect
}

func TestWatchedEndpointStays(t *testing.T) {
	t.Parallel()
	b := started(t)
	s := spec(b.version("1", "one"))
	b.ready(s)
	monitor := environment.Child(mlops.NounMonitor, "health")
	put(b, b.store.Monitors(), monitor, mlops.MonitorSpec{Endpoint: s.ID(), Name: "health"}, mlops.MonitorStatus{})
	if err := b.Delete(t.Context(), s.ID()); mlops.CodeOf(err) != mlops.Conflict || !strings.Contains(err.Error(), string(monitor)) {
		t.Errorf("error %v", err)
	}
	b.wantModel("one")
	if err := b.store.Monitors().Delete(t.Context(), monitor, nil); err != nil {
		t.Fatal(err)
	}
	b.remove(s.ID())
}

// TestApproval serves approved versions only in an environment of stage prod.
func TestApproval(t *testing.T) {
	t.Parallel()
	b := started(t)
	approve := func(id mlops.ID, approval string) {
		t.Helper()
		if _, err := b.store.Versions().Change(t.Context(), id, func(_ *store.Tx, r *store.Record[mlops.ModelVersionSpec, mlops.ModelVersionStatus]) error {
			r.Spec.Approval = approval
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	one, two := b.version("1", "one"), b.version("2", "two")
	approve(one, "pending")
	b.ready(spec(one)) // dev serves anything
	if _, err := b.store.Environments().Change(t.Context(), environment, func(_ *store.Tx, r *store.Record[mlops.EnvironmentSpec, mlops.EnvironmentStatus]) error {
		r.Spec.Stage = "prod"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	approve(one, "approved")
	b.ready(spec(one, env("A", "b")))
	for _, approval := range []string{"pending", "rejected"} {
		approve(two, approval)
		s := spec(one)
		s.Variants["next"] = mlops.Variant{Version: two}
		_, err := b.Update(api.WithOwner(t.Context(), "us"), s.ID(), s)
		if e, ok := errors.AsType[*mlops.Error](err); !ok || e.Code != mlops.Invalid || e.Field != `variants["next"].version` || !strings.Contains(err.Error(), approval) {
			t.Errorf("%s: error %v", approval, err)
		}
	}
	approve(one, "rejected") // which stops nothing
	b.close()
	b.start()
	b.wantModel("one")
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	ask := func(token string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.Address()+"/dev/churn", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	get := func(id mlops.ID) mlops.Credentials {
		t.Helper()
		c, err := b.Credentials(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	s := spec(b.id("1"))
	b.ready(s)
	if c := get(s.ID()); c.Token != "" || len(c.Headers) != 0 || c.URL != "http://"+b.Address()+"/dev/churn" {
		t.Errorf("of an open endpoint: %+v", c)
	}
	guarded := spec(b.id("1"), func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.Access = mlops.AccessToken })
	pid := b.wantModel("one")
	b.ready(guarded)
	first := get(s.ID())
	if first.Token == "" || first.Headers["Authorization"] != "Bearer "+first.Token {
		t.Errorf("credentials %+v", first)
	}
	if none, right := ask(""), ask(first.Token); none != http.StatusUnauthorized || right != http.StatusOK {
		t.Errorf("without the token %d, with it %d", none, right)
	}
	b.close()
	b.start()
	if c := get(s.ID()); c.Token != first.Token {
		t.Error("another engine has another token")
	}
	if none, right := ask(""), ask(first.Token); none != http.StatusUnauthorized || right != http.StatusOK {
		t.Errorf("after a restart: without the token %d, with it %d", none, right)
	}
	b.nowhere(first.Token)
	b.ready(s)
	if now := b.wantModel("one"); now != pid {
		t.Errorf("access replaced server %d by %d", pid, now)
	}
	b.remove(s.ID())
	if _, err := b.Credentials(t.Context(), s.ID()); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("of what is gone: %v", err)
	}
	b.ready(guarded)
	if c := get(s.ID()); c.Token == first.Token {
		t.Error("an endpoint that was made again has the token of the former")
	}
}

// nowhere fails the test if any of the bench's files has a secret.
func (b *bench) nowhere(secret string) {
	b.t.Helper()
	err := filepath.WalkDir(b.root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			b.t.Errorf("%s has the secret", path)
		}
		return err
	})
	if err != nil {
		b.t.Error(err)
	}
}
