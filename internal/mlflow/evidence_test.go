package mlflow

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// artifactBytes is how large the artifacts of these tests are: more than all answers
// together of a look that fetches none.
const artifactBytes = 1 << 18

// logged has an ordinary client write artifacts in a run, which ends, and returns where
// they are.
func (s *stock) logged() (file, folder string) {
	s.Helper()
	out := s.python(`
with mlflow.start_run(experiment_id=client.create_experiment("logged by " + name)) as run:
    mlflow.log_text("a" * int(args[0]), "data/train.csv")
    mlflow.log_text("b" * int(args[0]), "data/deep/test.csv")
out.update(at=run.info.artifact_uri, run=run.info.run_id)
`, "262144")
	at, _ := out["at"].(string)
	return at + "/data/train.csv", at + "/data"
}

// TestEvidence proves that a look at what a run wrote costs the same few calls however
// large it is, and that what changes is fetched again. The calls and the bytes are counted
// before the real server.
func TestEvidence(t *testing.T) {
	t.Parallel()
	gate := server.Gate(t, "")
	s := newStockBy(t, connect(t, gate.URI))
	file, folder := s.logged()
	for _, tt := range []struct {
		name, uri string
		calls     int64
	}{
		{"file", file, 5},     // versions at it, two; versions of the model; the run; its folder
		{"folder", folder, 7}, // and two folders more
	} {
		spec := mlops.ModelVersionSpec{Model: s.model.ID(), ArtifactURI: tt.uri, Format: "sklearn", Approval: "pending"}
		want := s.get(s.register(spec)).Status.Digest
		calls, told := gate.Passed(), gate.Told()
		got, err := s.versions.Digest(t.Context(), spec)
		if err != nil || got != want {
			t.Errorf("%s: the digest is %s, %v; want %s", tt.name, got, err, want)
		}
		calls, told = gate.Passed()-calls, gate.Told()-told
		if calls != tt.calls || told >= artifactBytes/4 {
			t.Errorf("%s: a look takes %d calls and %d bytes, want %d calls and none of the %d bytes of the artifact", tt.name, calls, told, tt.calls, artifactBytes)
		}
	}
}

// TestEvidenceIsGone proves by whom a change is found out: by a run that goes on, by
// another size, by a file more, and that there is no evidence of what no run wrote.
func TestEvidenceIsGone(t *testing.T) {
	t.Parallel()
	s := newStockBy(t, connect(t, server.URI(t)))
	file, folder := s.logged()
	spec := mlops.ModelVersionSpec{Model: s.model.ID(), ArtifactURI: file, Format: "sklearn", Approval: "pending"}
	for _, tt := range []struct{ name, program string }{
		{"a run that went on", `
with mlflow.start_run(run_id=args[0]):
    mlflow.log_text("c" * 262144, "data/train.csv")`},
		{"a run that goes on", `
client.update_run(args[0], status="RUNNING")
client.log_text(args[0], "d" * 262144, "data/train.csv")`},
		{"another size", `
client.update_run(args[0], status="FINISHED")
client.log_text(args[0], "e", "data/train.csv")`},
	} {
		before := s.get(s.register(spec)).Status.Digest
		found := ofRun.FindStringSubmatch(file)
		s.python(tt.program, found[1])
		got, err := s.versions.Digest(t.Context(), spec)
		if err != nil || got == before || got == "" {
			t.Errorf("%s: the digest is %q, %v; it was %s", tt.name, got, err, before)
		}
	}
	c := s.versions.client
	before, err := c.Evidence(t.Context(), folder)
	if err != nil || !before.Proves(before) {
		t.Fatalf("a folder has the evidence %+v, %v", before, err)
	}
	s.python(`client.log_text(args[0], "", "data/more")`, before.Run)
	if now, err := c.Evidence(t.Context(), folder); err != nil || now.Proves(before) {
		t.Errorf("with a file more, the evidence is %+v, %v; it was %+v", now, err, before)
	}
	for _, uri := range []string{artifactScheme + "shared/train.csv", artifactScheme + "1/0123456789abcdef0123456789abcdef/artifacts/train.csv", folder + "-that-is-not-there"} {
		if now, err := c.Evidence(t.Context(), uri); err != nil || now.Proves(now) {
			t.Errorf("%s has the evidence %+v, %v", uri, now, err)
		}
	}
}
