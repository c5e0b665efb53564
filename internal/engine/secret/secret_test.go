package secret

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, dir string) *Keys {
	t.Helper()
	k, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealSurvivesReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const url = "https://hooks.example.com/T0/B0/xyz"
	sealed := open(t, dir).Seal("webhook", []byte(url))
	if strings.Contains(sealed, "hooks") || sealed == open(t, dir).Seal("webhook", []byte(url)) {
		t.Errorf("sealed as %q: readable, or the same each time", sealed)
	}
	got, err := open(t, dir).Unseal("webhook", sealed)
	if err != nil || string(got) != url {
		t.Errorf("unsealed %q, %v", got, err)
	}
	for name, try := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return open(t, t.TempDir()).Unseal("webhook", sealed) },
		"another purpose": func() ([]byte, error) { return open(t, dir).Unseal("mail", sealed) },
		"damaged":         func() ([]byte, error) { return open(t, dir).Unseal("webhook", sealed[:len(sealed)-2]) },
		"not sealed":      func() ([]byte, error) { return open(t, dir).Unseal("webhook", "plain text!") },
	} {
		if got, err := try(); err == nil {
			t.Errorf("%s: unsealed %q", name, got)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := open(t, dir)
	if k.Token("a", "b") != open(t, dir).Token("a", "b") || k.Token("a", "b") == k.Token("ab", "") || k.Token("a", "b") == open(t, t.TempDir()).Token("a", "b") {
		t.Error("tokens are not those of one key, id and salt")
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	path := filepath.Join(dir, "engine.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Errorf("a key that others may read: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a key that is cut: %v", err)
	}
}
