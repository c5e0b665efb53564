package sagemaker

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestPromotedBytes proves that a promotion's evidence and its bytes belong
// together, and that exported bytes are those that were registered.
func TestPromotedBytes(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	tree := t.TempDir()
	r.must(os.MkdirAll(filepath.Join(tree, "a.b", "c"), 0o700))
	for _, path := range []string{"MLmodel", "a.b/c/weights.bin", "a/x"} {
		r.must(os.MkdirAll(filepath.Dir(filepath.Join(tree, path)), 0o700))
		r.must(os.WriteFile(filepath.Join(tree, path), []byte(path), 0o600))
	}
	digest, size, err := mlops.ContentDigest(tree)
	r.must(err)
	other := r.versionSpec("", func(s *mlops.ModelVersionSpec) {
		s.ArtifactURI, s.Format = tree, "mlflow"
		s.Promotion = &mlops.Promotion{From: "local/dev/models/m/versions/1", Digest: "sha256:other"}
	})
	_, err = r.ModelVersions().Create(t.Context(), other)
	r.wantCode("other bytes", err, mlops.Invalid, "sha256:other")
	if kept := append(r.keys("models/"), strconv.Itoa(len(r.versions()))); len(kept) != 1 || kept[0] != "0" {
		t.Errorf("left: %q", kept)
	}
	other.Promotion.Digest = digest
	ref := r.the(r.ModelVersions().Create(t.Context(), other)).Ref
	seen := r.seen(ref)
	if seen.Status.Digest != digest || seen.Status.Size != size {
		t.Errorf("digest %s of %d bytes, want %s of %d", seen.Status.Digest, seen.Status.Size, digest, size)
	}
	exported, err := modelVersionKind{r.backend}.Export(t.Context(), ref, t.TempDir())
	r.must(err)
	if got, _, err := mlops.ContentDigest(exported); got != digest || err != nil {
		t.Errorf("exported %s, %v; want %s", got, err, digest)
	}
	again := other
	again.ArtifactURI = seen.Status.URI // a tree in S3
	if got := r.the(r.ModelVersions().Update(t.Context(), ref, again)).Ref; got != ref {
		t.Errorf("the same bytes in S3 are %s, were %s", got, ref)
	}
}

func TestVersionSourcesRefused(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	bucket := r.scene().place.Bucket
	link := filepath.Join(t.TempDir(), "link")
	r.must(os.Symlink("/etc/hostname", link))
	tests := []struct {
		name, uri string
		code      mlops.Code
		words     string
	}{
		{"no file", "/gone/model", mlops.Invalid, "there is no file or directory /gone/model"},
		{"no object", "s3://" + bucket + "/gone", mlops.Invalid, "there is nothing at s3://" + bucket + "/gone"},
		{"no objects", "s3://" + bucket + "/gone/", mlops.Invalid, "there is nothing at"},
		{"no bucket", "s3:///key", mlops.Invalid, "not an S3 URI"},
		{"another store", "gs://bucket/key", mlops.Unsupported, "gs://bucket/key"},
		{"another machine", "file://elsewhere/model", mlops.Invalid, "elsewhere"},
		{"a link", link, mlops.Invalid, "a symbolic link"},
	}
	for _, tt := range tests {
		_, err := r.ModelVersions().Create(t.Context(), r.versionSpec("", func(s *mlops.ModelVersionSpec) { s.ArtifactURI = tt.uri }))
		r.wantCode(tt.name, err, tt.code, tt.words)
		if planned, err := (modelVersionKind{r.backend}).Digest(t.Context(), mlops.ModelVersionSpec{Model: r.model, ArtifactURI: tt.uri}); planned != "" {
			t.Errorf("%s: the digest %s, %v is foretold", tt.name, planned, err)
		}
	}
	if all := r.versions(); len(all) != 0 {
		t.Errorf("registered: %v", all)
	}
}

// TestVersionPreflight proves what is refused at plan, and that it is refused at
// apply too.
func TestVersionPreflight(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	isolated := mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(name, []string{testRegion}, "sealed"), Name: "sealed", Stage: "dev",
		Target: mlops.Target{Backend: name, Settings: mlops.Settings{targetNetworkIsolation: true}},
	}
	r.the(r.Environments().Create(t.Context(), isolated))
	model := r.the(r.Models().Create(t.Context(), mlops.ModelSpec{Environment: isolated.ID, Name: "m"})).Ref
	tests := []struct {
		name   string
		change func(*mlops.ModelVersionSpec)
		path   string
	}{
		{"nothing", func(*mlops.ModelVersionSpec) {}, ""},
		{"packages where nothing can be installed", func(s *mlops.ModelVersionSpec) { s.Model, s.Packages = model, []string{"six==1.17.0"} }, "packages"},
		{"a format where nothing can be installed", func(s *mlops.ModelVersionSpec) { s.Model, s.Format = model, "onnx" }, "format"},
		{"a region without images", func(s *mlops.ModelVersionSpec) { s.Model = "sagemaker/us-iso-east-1/e/models/m" }, "format"},
		{"an environment to be made", func(s *mlops.ModelVersionSpec) { s.Model = "sagemaker/us-east-1/e/models/m" }, ""},
		{"a model to be known", func(s *mlops.ModelVersionSpec) { s.Model = "" }, ""},
	}
	for _, tt := range tests {
		spec := r.versionSpec(tt.name, tt.change)
		check := mlops.NewChecker()
		r.must(modelVersionKind{r.backend}.Preflight(t.Context(), spec, check))
		e, _ := errors.AsType[*mlops.Error](check.Err())
		if (e == nil) != (tt.path == "") || e != nil && e.Field != tt.path {
			t.Errorf("%s: %v, want a problem at %q", tt.name, check.Err(), tt.path)
		}
		if tt.path != "" && spec.Model == model {
			_, err := r.ModelVersions().Create(t.Context(), spec)
			r.wantCode(tt.name+", at apply", err, mlops.Invalid, tt.path)
		}
	}
}
