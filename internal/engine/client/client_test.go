package client

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestSuits(t *testing.T) {
	t.Parallel()
	ours := Options{Version: "1.9.0"}
	tests := []struct {
		name   string
		o      Options
		engine api.Engine
		want   bool
	}{
		{"same", ours, api.Engine{Version: "1.9.0", Build: "1.9.0"}, true},
		{"older", ours, api.Engine{Version: "1.8.7", Build: "1.8.7"}, false},
		{"newer", ours, api.Engine{Version: "1.10.0", Build: "1.10.0"}, true},
		{"before the release", ours, api.Engine{Version: "1.9.0-rc1", Build: "1.9.0-rc1"}, false},
		{"other development build", Options{Version: "dev"}, api.Engine{Version: "dev", Build: "dev-1-2"}, false},
		{"development build of a release", ours, api.Engine{Version: "dev", Build: "dev-1-2"}, false},
		{"the port asked for", Options{Version: "1.9.0", Port: 80}, api.Engine{Build: "1.9.0", Inference: "http://127.0.0.1:80"}, true},
		{"another port", Options{Version: "1.9.0", Port: 80}, api.Engine{Build: "1.9.0", Inference: "http://127.0.0.1:8080"}, false},
		{"another interpreter", Options{Version: "1.9.0", Python: "/a"}, api.Engine{Build: "1.9.0", Python: "/b"}, false},
		{"no interpreter asked for", ours, api.Engine{Build: "1.9.0", Python: "/b"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.o.suits(tt.engine); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Build("1.2.3", path); got != "1.2.3" {
		t.Errorf("a release is %q", got)
	}
	before := Build("dev", path)
	if again := Build("dev", path); again != before {
		t.Errorf("one program is %q and %q", before, again)
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if after := Build("dev", path); after == before {
		t.Errorf("two programs are %q", after)
	}
}

// TestEnvironment proves that the engine is not told what Terraform tells its
// plugins: it would take itself for one.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	got := environment([]string{"PATH=/bin", "TF_LOG=trace", "TF_PLUGIN_MAGIC_COOKIE=x", "PLUGIN_MIN_PORT=1", "HTTPS_PROXY=p"})
	if diff := cmp.Diff([]string{"PATH=/bin", "HTTPS_PROXY=p"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestUntrustedDirectory proves that a socket that anybody may have put there is
// not spoken to.
func TestUntrustedDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := Find(t.Context(), Options{Directory: dir})
	if mlops.CodeOf(err) != mlops.PermissionDenied {
		t.Errorf("got %v", err)
	}
}

// answering serves a directory's control socket with a handler.
func answering(t *testing.T, h http.HandlerFunc) Options {
	t.Helper()
	o := Options{Directory: t.TempDir(), Version: "1.0.0", Executable: "/dev/null"}
	if err := os.WriteFile(o.layout().Database(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", o.layout().Socket())
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.EnginePath {
			_, _ = w.Write([]byte(`{"version":"1.0.0","build":"1.0.0"}`))
			return
		}
		h(w, r)
	})}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func modelsOf(t *testing.T, o Options) Kind[mlops.ModelSpec, mlops.ModelStatus] {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c.Models()
}

// TestProblemsComeBack proves that an error crosses the wire with its code, its
// field and the request's name.
func TestProblemsComeBack(t *testing.T) {
	t.Parallel()
	o := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", api.ProblemType)
		w.Header().Set(api.RequestHeader, "r1")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"code":"invalid","field":"name","detail":"too long","status":422}`))
	})
	_, err := modelsOf(t, o).Get(t.Context(), "local/e/models/m")
	e, ok := errors.AsType[*mlops.Error](err)
	if !ok || e.Code != mlops.Invalid || e.Field != "name" || e.Request != "r1" || e.Err.Error() != "too long" {
		t.Errorf("got %+v", err)
	}
}

// TestLostAnswer proves that a creation without an answer still tells what may
// have been created.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	o := answering(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	c, err := modelsOf(t, o).Create(t.Context(), mlops.ModelSpec{Environment: "local/e", Name: "m"})
	if mlops.CodeOf(err) != mlops.Unavailable || c.Ref != "local/e/models/m" {
		t.Errorf("got %v, %v", c, err)
	}
}

// TestStrangeAnswer proves that what is no answer of an engine is an error.
func TestStrangeAnswer(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"no problem": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		if _, err := modelsOf(t, answering(t, h)).Get(t.Context(), "local/e/models/m"); err == nil || mlops.CodeOf(err) != mlops.Unknown {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDigest proves that a plan learns the digest of a file that is there, and
// that one that is still to be made is no error.
func TestDigest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := New(Options{Directory: filepath.Join(dir, "engine")})
	if err != nil {
		t.Fatal(err)
	}
	spec := mlops.ModelVersionSpec{ArtifactURI: filepath.Join(dir, "model")}
	if got, err := c.ModelVersions().Digest(t.Context(), spec); got != "" || err != nil {
		t.Errorf("of no file: %q, %v", got, err)
	}
	if err := os.WriteFile(spec.ArtifactURI, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := c.ModelVersions().Digest(t.Context(), spec)
	if want := "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	spec = mlops.ModelVersionSpec{Run: "local/e/pipelines/p/runs/r", Output: "model"}
	if got, err := c.ModelVersions().Digest(t.Context(), spec); got != "" || err != nil {
		t.Errorf("of no run: %q, %v", got, err)
	}
}

// TestDigestOfWhatIsElsewhere proves that a URI of another place is refused with the
// attribute that gave it, which each noun calls by another name.
func TestDigestOfWhatIsElsewhere(t *testing.T) {
	t.Parallel()
	c, err := New(Options{Directory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	const uri = "s3://bucket/key"
	_, ofVersion := c.ModelVersions().Digest(t.Context(), mlops.ModelVersionSpec{ArtifactURI: uri})
	_, ofDataset := c.Datasets().Digest(t.Context(), mlops.DatasetSpec{URI: uri})
	for field, err := range map[string]error{"artifact_uri": ofVersion, "uri": ofDataset} {
		e, ok := errors.AsType[*mlops.Error](err)
		if !ok || e.Code != mlops.Unsupported || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
