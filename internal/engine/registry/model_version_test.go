package registry

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// blobs lists the bytes that the environment e keeps.
func (b bench) blobs() []string {
	b.Helper()
	dir := layout.BlobDir(b.Layout.EnvironmentDir(environmentSpec("e", "")))
	if !b.exists(dir) {
		return nil
	}
	return b.files(dir)
}

// TestNumbersAreNotReused proves that a number never comes to mean other bytes.
func TestNumbersAreNotReused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := b.model()
	first := b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(model, "one"))).Ref
	b.must(b.ModelVersions().Delete(b.ctx, first))
	second := b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(model, "two"))).Ref
	if first.Name() != "1" || second.Name() != "2" {
		b.Errorf("the numbers are %s and %s", first.Name(), second.Name())
	}
	if seen, err := b.Models().Get(b.ctx, model); err != nil || seen.Status.Latest != "2" {
		b.Errorf("the latest is %q, %v", seen.Status.Latest, err)
	}
}

// TestBytesGoWithTheLastVersion proves that bytes are kept once, and as long as
// a version has them.
func TestBytesGoWithTheLastVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := b.model()
	spec := b.versionSpec(model, "same")
	first := b.the(b.ModelVersions().Create(b.ctx, spec)).Ref
	spec.Format = "onnx"
	second := b.the(b.ModelVersions().Create(b.ctx, spec)).Ref
	if first == second || len(b.blobs()) != 1 {
		b.Fatalf("%s and %s have %q", first, second, b.blobs())
	}
	b.must(b.ModelVersions().Delete(b.ctx, first))
	if len(b.blobs()) != 1 {
		b.Errorf("the other version's bytes are gone: %q", b.blobs())
	}
	b.must(b.ModelVersions().Delete(b.ctx, second))
	if len(b.blobs()) != 0 {
		b.Errorf("left: %q", b.blobs())
	}
}

// TestContent proves what makes a successor and what does not.
func TestContent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(b bench, s *mlops.ModelVersionSpec)
		want   string
	}{
		{"description", func(_ bench, s *mlops.ModelVersionSpec) { s.Description = "new" }, "1"},
		{"metrics", func(_ bench, s *mlops.ModelVersionSpec) { s.Metrics = map[string]float64{"a": 1} }, "1"},
		{"the same bytes elsewhere", func(b bench, s *mlops.ModelVersionSpec) { s.ArtifactURI = artifact.URI(b.file("bytes")) }, "1"},
		{"other bytes", func(b bench, s *mlops.ModelVersionSpec) { s.ArtifactURI = b.file("others") }, "2"},
		{"other bytes in the same place", func(b bench, s *mlops.ModelVersionSpec) {
			b.must(os.WriteFile(s.ArtifactURI, []byte("others"), 0o600))
		}, "2"},
		{"format", func(_ bench, s *mlops.ModelVersionSpec) { s.Format = "onnx" }, "2"},
		{"packages", func(_ bench, s *mlops.ModelVersionSpec) { s.Packages = []string{"six==1.17.0"} }, "2"},
		{"signature", func(_ bench, s *mlops.ModelVersionSpec) { s.Signature = "{}" }, "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			spec := b.versionSpec(b.model(), "bytes")
			first := b.the(b.ModelVersions().Create(b.ctx, spec)).Ref
			tt.change(b, &spec)
			if got := b.the(b.ModelVersions().Update(b.ctx, first, spec)).Ref; got.Name() != tt.want {
				b.Errorf("it is version %s, want %s", got.Name(), tt.want)
			}
		})
	}
}

// TestOthersDoNotShareAVersion proves that two configurations that register the
// same bytes can each delete their own.
func TestOthersDoNotShareAVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.versionSpec(b.model(), "bytes")
	ours := b.the(b.ModelVersions().Create(b.ctx, spec)).Ref
	theirs := b.the(b.ModelVersions().Create(api.WithOwner(b.ctx, "them"), spec)).Ref
	if ours == theirs {
		b.Fatalf("both have %s", ours)
	}
	b.must(b.ModelVersions().Delete(b.ctx, ours))
	if _, err := b.ModelVersions().Get(b.ctx, theirs); err != nil {
		b.Error(err)
	}
}

// TestLostReply proves that an update whose answer was lost, and that is asked
// for again of the former version, finds the successor.
func TestLostReply(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := b.model()
	first := b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(model, "one"))).Ref
	next := b.versionSpec(model, "two")
	second := b.the(b.ModelVersions().Update(b.ctx, first, next))
	again := b.the(b.ModelVersions().Update(b.ctx, first, next))
	if diff := cmp.Diff(second, again); diff != "" {
		b.Error(diff)
	}
}

func TestSourcesRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := b.model()
	pipeline := mlops.ID("local/e/pipelines/p")
	failed, succeeded := pipeline.Child(mlops.NounPipelineRun, "failed"), pipeline.Child(mlops.NounPipelineRun, "good")
	b.run(failed, "us", func(r *runRecord) { r.Status.State = mlops.RunFailed })
	b.run(succeeded, "us", func(r *runRecord) {
		r.Status.Outputs = map[string]string{"a.model": "file:///gone/model", "b.model": "file:///gone/model", "a.data": "file:///gone"}
	})
	link := filepath.Join(t.TempDir(), "link")
	b.must(os.Symlink("/etc/passwd", link))
	tests := []struct {
		name  string
		spec  mlops.ModelVersionSpec
		code  mlops.Code
		words string
	}{
		{"no file", mlops.ModelVersionSpec{ArtifactURI: "/gone/model"}, mlops.Invalid, "there is no file or directory /gone/model"},
		{"a bucket", mlops.ModelVersionSpec{ArtifactURI: "s3://bucket/key"}, mlops.Unsupported, "download"},
		{"no run", mlops.ModelVersionSpec{Run: pipeline.Child(mlops.NounPipelineRun, "x"), Output: "model"}, mlops.Invalid, "there is no run"},
		{"failed run", mlops.ModelVersionSpec{Run: failed, Output: "model"}, mlops.Invalid, "is failed"},
		{"no output", mlops.ModelVersionSpec{Run: succeeded, Output: "mdoel"}, mlops.Invalid, "no output"},
		{"ambiguous output", mlops.ModelVersionSpec{Run: succeeded, Output: "model"}, mlops.Invalid, "a.model, b.model"},
		{"a link", mlops.ModelVersionSpec{ArtifactURI: link}, mlops.Invalid, "a symbolic link"},
		{"lost output", mlops.ModelVersionSpec{Run: succeeded, Output: "a.model"}, mlops.Invalid, "/gone/model"},
	}
	for _, tt := range tests {
		tt.spec.Model, tt.spec.Format, tt.spec.Approval = model, "sklearn", "pending"
		_, err := b.ModelVersions().Create(b.ctx, tt.spec)
		b.wantCode(err, tt.code, tt.words)
	}
	if all, err := b.ModelVersions().List(b.ctx, model); err != nil || len(all) != 0 {
		b.Errorf("registered: %v, %v", all, err)
	}
}

// TestEvidence proves that a version has the evidence of its run, unless the
// user says otherwise.
func TestEvidence(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := b.model()
	run := mlops.ID("local/e/pipelines/p/runs/r")
	lineage := &mlops.Lineage{PipelineVersion: "v", Steps: map[string]mlops.StepLineage{"train": {Packages: []string{"six==1.17.0"}}}}
	b.run(run, "us", func(r *runRecord) {
		r.Status.Outputs = map[string]string{"train.model": artifact.URI(b.file("bytes"))}
		r.Status.Metrics, r.Status.Lineage = map[string]float64{"accuracy": 0.9}, lineage
	})
	spec := mlops.ModelVersionSpec{Model: model, Run: run, Output: "model", Format: "sklearn", Approval: "pending"}
	seen := func(spec mlops.ModelVersionSpec) mlops.ModelVersionStatus {
		o, err := b.ModelVersions().Get(b.ctx, b.the(b.ModelVersions().Create(b.ctx, spec)).Ref)
		b.must(err)
		return o.Status
	}
	got := seen(spec)
	if diff := cmp.Diff(lineage, got.Lineage); diff != "" || got.Metrics["accuracy"] != 0.9 || got.Packages[0] != "six==1.17.0" {
		b.Errorf("the evidence is %+v", got)
	}
	spec.Metrics, spec.Packages = map[string]float64{"f1": 0.8}, []string{}
	got = seen(spec)
	if _, there := got.Metrics["accuracy"]; there || len(got.Packages) != 0 {
		b.Errorf("the user's word does not count: %+v", got)
	}
}

// TestServedVersionStays proves that every way in which an endpoint can refer to
// a version keeps it.
func TestServedVersionStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	version := b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(b.model(), "bytes"))).Ref
	spec := mlops.ModelEndpointSpec{Environment: "local/e", Name: "p", Variants: map[string]mlops.Variant{"a": {Version: version, Traffic: 100}}}
	type record = store.Record[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	tests := map[string]record{
		"in force": {Spec: spec, Revision: "r"},
		"wanted":   {Wanted: &spec, WantedRevision: "r"},
		"serving":  {Status: mlops.ModelEndpointStatus{Serving: map[string]mlops.Serving{"a": {Version: version}}}},
	}
	for name, r := range tests {
		r.ID = spec.ID()
		b.must(b.Store.Endpoints().Insert(b.ctx, r, nil))
		b.wantCode(b.ModelVersions().Delete(b.ctx, version), mlops.Conflict, string(r.ID))
		if len(b.blobs()) != 1 {
			b.Errorf("%s: the bytes are gone", name)
		}
		b.must(b.Store.Endpoints().Delete(b.ctx, r.ID, nil))
	}
	b.must(b.ModelVersions().Delete(b.ctx, version))
}

// TestServedHistoryKeepsTheModel proves that a model is not deleted under an
// endpoint that serves a superseded version of it.
func TestServedHistoryKeepsTheModel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := b.model()
	first := b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(model, "one"))).Ref
	second := b.the(b.ModelVersions().Update(b.ctx, first, b.versionSpec(model, "two"))).Ref
	b.must(b.ModelVersions().Delete(b.ctx, second))
	endpoint := mlops.ModelEndpointSpec{Environment: "local/e", Name: "p", Variants: map[string]mlops.Variant{"a": {Version: first, Traffic: 100}}}
	b.must(b.Store.Endpoints().Insert(b.ctx, store.Record[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{ID: endpoint.ID(), Spec: endpoint, Revision: "r"}, nil))
	b.wantCode(b.Models().Delete(b.ctx, model), mlops.Conflict, string(endpoint.ID()))
	b.must(b.Store.Endpoints().Delete(b.ctx, endpoint.ID(), nil))
	b.must(b.Models().Delete(b.ctx, model))
	if len(b.blobs()) != 0 {
		b.Errorf("left: %q", b.blobs())
	}
}

// TestSweep proves that what interrupted imports left is removed at the start,
// and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(b.model(), "bytes")))
	want := b.blobs()
	dir := layout.BlobDir(b.Layout.EnvironmentDir(environmentSpec("e", "")))
	for _, left := range []string{"import-123/model.bin", "sha256/0123/model.bin"} {
		path := filepath.Join(dir, left)
		b.must(errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)))
	}
	b.must(b.Start(b.ctx))
	b.must(b.Close(b.ctx))
	if diff := cmp.Diff(want, b.blobs()); diff != "" {
		b.Errorf("kept (-want +got):\n%s", diff)
	}
}

// TestPromotedBytes proves that a promotion's evidence and its bytes belong
// together: others are refused, and nothing is kept of them.
func TestPromotedBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := b.model()
	spec := b.versionSpec(model, "promoted")
	digest, _, err := mlops.ContentDigest(spec.ArtifactURI)
	b.must(err)
	spec.Promotion = &mlops.Promotion{From: "local/dev/models/m/versions/1", Digest: "sha256:other"}
	if _, err := b.ModelVersions().Create(b.ctx, spec); mlops.CodeOf(err) != mlops.Invalid {
		b.Errorf("other bytes: %v", err)
	}
	if left := b.blobs(); len(left) != 0 {
		b.Errorf("left: %q", left)
	}
	spec.Promotion.Digest = digest
	ref := b.the(b.ModelVersions().Create(b.ctx, spec)).Ref
	seen, err := b.ModelVersions().Get(b.ctx, ref)
	b.must(err)
	if diff := cmp.Diff(spec.Promotion, seen.Spec.Promotion); diff != "" {
		b.Errorf("evidence (-want +got):\n%s", diff)
	}
}
