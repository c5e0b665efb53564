package mlflow

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// archived is a model whose versions are kept as archives too.
func archived(s *stock) *stock {
	s.versions.WithArchives()
	return s
}

// tree is a version of a folder.
func (s *stock) tree(files map[string]string) mlops.ModelVersionSpec {
	s.Helper()
	spec := s.file("")
	spec.ArtifactURI = filepath.Join(s.TempDir(), "tree")
	for name, text := range files {
		path := filepath.Join(spec.ArtifactURI, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	return spec
}

// archive fetches the archive of a version as a server of models does.
func (s *stock) archive(ref mlops.ID) []byte {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.get(ref).Native["serving_uri"], nil)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
		s.Fatalf("%s answers %d, %v", req.URL, resp.StatusCode, err)
	}
	return body
}

func unpacked(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for files := tar.NewReader(zip); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		out[header.Name] = string(text)
	}
}

// TestArchive proves that a version can be fetched as one file, which is the same for
// the same bytes, changes neither their digest nor what an ordinary client finds, and
// goes with the version.
func TestArchive(t *testing.T) {
	t.Parallel()
	files := map[string]string{"MLmodel": "flavors", "data/größe.bin": strings.Repeat("x", 1<<20), "data/none": ""}
	s, other := archived(newStock(t)), archived(newStock(t))
	ref, twin := s.register(s.tree(files)), other.register(other.tree(files))
	first := s.archive(ref)
	if diff := cmp.Diff(files, unpacked(t, first)); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
	if !bytes.Equal(first, other.archive(twin)) {
		t.Error("the same files make another archive")
	}
	path, err := s.versions.Export(t.Context(), ref, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.wantBytes(path, s.get(ref).Status.Digest)

	spec := s.get(ref).Spec
	spec.Description = "changed"
	if again := s.change(ref, spec); again != ref || s.get(ref).Native["serving_uri"] == "" {
		t.Errorf("after a change it is %s with %v", again, s.get(ref).Native)
	}
	single := s.register(s.file("bytes"))
	if diff := cmp.Diff(map[string]string{"model.bin": "bytes"}, unpacked(t, s.archive(single))); diff != "" {
		t.Errorf("archive of one file (-want +got):\n%s", diff)
	}

	source := s.get(ref).Native["source"]
	s.wantArtifacts(source, modelFolder, archiveFolder)
	if err := s.versions.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	s.wantArtifacts(source)
}

// wantArtifacts insists on what is beside a folder of artifacts, and on itself.
func (s *stock) wantArtifacts(folder string, want ...any) {
	s.Helper()
	got := s.python(`
from mlflow.artifacts import list_artifacts
out["files"] = [f.path.rsplit("/", 1)[-1] for f in list_artifacts(artifact_uri=args[0])]
`, strings.TrimSuffix(folder, "/"+modelFolder))
	if diff := cmp.Diff(append([]any{}, want...), got["files"]); diff != "" {
		s.Errorf("artifacts (-want +got):\n%s", diff)
	}
}

// TestInterruptedArchive proves that no version is without its archive, wherever its
// registration or its deletion was interrupted.
func TestInterruptedArchive(t *testing.T) {
	t.Parallel()
	cutAt(t, []string{"/artifacts/" + archiveFolder}, func(s *stock, c *Client, arm func()) {
		archived(s)
		spec := s.file("bytes")
		arm()
		_, err := s.versions.Create(s.Context(), spec)
		s.wantCode("the interrupted try", err, mlops.Unavailable)
		ref := s.register(spec)
		if diff := cmp.Diff(map[string]string{"model.bin": "bytes"}, unpacked(s.T, s.archive(ref))); diff != "" {
			s.Errorf("archive (-want +got):\n%s", diff)
		}
		arm()
		s.wantCode("the interrupted deletion", s.versions.Delete(s.Context(), ref), mlops.Unavailable)
		if err := s.versions.Delete(s.Context(), ref); err != nil {
			s.Fatal(err)
		}
		if runs, err := c.activeRuns(s.Context(), s.home()); err != nil || len(runs) != 0 {
			s.Errorf("%d runs are left, %v", len(runs), err)
		}
	})
}
