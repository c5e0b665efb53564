package kubernetes

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestOutputsInMLflow proves that where a template sends a step's outputs, and by whose
// leave, is what a real MLflow server takes and hands back. The executor's part, which
// is a request for each artifact, is the test's: it knows nothing but the pod and the
// secret that the pod's template names.
func TestOutputsInMLflow(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	server := &mlflowtest.Server{}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	uri := server.Guarded(t, password).URI(t)
	control.Start(t, kubetest.Argo)
	e := newEstate(t, nil)
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: uri, Username: mlflowtest.Admin, Token: password, Mark: "mark"}}
	control.Play(t, e.spec.Name, func(pod *unstructured.Unstructured) kubetest.Outcome {
		for _, a := range stepOf(pod).Outputs.Artifacts {
			if status := e.send(http.MethodPut, a, packed(t, a.Name, "bytes of "+a.Name), nil); status != http.StatusOK {
				t.Errorf("MLflow answers %d to %s", status, a.HTTP.URL)
			}
		}
		return playStep(pod)
	})
	e.apply()
	p := e.pipeline(mlops.PipelineSpec{Steps: chain()})
	seen := e.run(mlops.PipelineRunSpec{Pipeline: p.ID()})
	if seen.Phase != mlops.PhaseReady || len(seen.Status.Outputs) != 3 {
		t.Fatalf("it is %s with %v: %s", seen.Phase, seen.Status.Outputs, seen.Reason)
	}
	e.spec = e.spec.WithoutSecrets()
	at, err := artifactsOf(layoutOf(e.spec))
	e.must(err)
	for key, uri := range seen.Status.Outputs {
		location, err := at.locate(uri)
		e.must(err)
		_, output, _ := strings.Cut(key, ".")
		var got bytes.Buffer
		if status := e.send(http.MethodGet, argoArtifact{argoLocation: location}, nil, &got); status != http.StatusOK {
			t.Fatalf("MLflow answers %d for %s", status, uri)
		}
		if text := unpacked(t, &got, output); text != "bytes of "+output {
			t.Errorf("%s holds %q", uri, text)
		}
		location.HTTP.Auth = nil
		if status := e.send(http.MethodGet, argoArtifact{argoLocation: location}, nil, nil); status != http.StatusUnauthorized {
			t.Errorf("without the secret MLflow answers %d for %s", status, uri)
		}
	}
}

// send does what Argo's executor does with an artifact: one request, by the name and
// the password in the secret that the artifact names.
func (e estate) send(method string, a argoArtifact, body []byte, into io.Writer) int {
	e.Helper()
	request, err := http.NewRequestWithContext(e.Context(), method, a.HTTP.URL, bytes.NewReader(body))
	e.must(err)
	if basic, ok := a.HTTP.Auth["basicAuth"]; ok {
		of := func(half string) string {
			key := asSecretKey(basic, half)
			secret := control.Get(e.T, e.ref("secrets", key.Name))
			value, err := base64.StdEncoding.DecodeString(kubetest.Text(secret, "data", key.Key))
			e.must(err)
			return string(value)
		}
		request.SetBasicAuth(of("usernameSecret"), of("passwordSecret"))
	}
	answer, err := http.DefaultClient.Do(request)
	e.must(err)
	defer func() { e.must(answer.Body.Close()) }()
	if into != nil {
		_, err = io.Copy(into, answer.Body)
		e.must(err)
	}
	return answer.StatusCode
}

// asSecretKey reads one half of basic authentication, which is typed as it was made, or
// as it came back from JSON.
func asSecretKey(basic any, half string) secretKey {
	all, _ := basic.(map[string]any)
	switch key := all[half].(type) {
	case secretKey:
		return key
	case map[string]any:
		name, _ := key["name"].(string)
		of, _ := key["key"].(string)
		return secretKey{name, of}
	}
	return secretKey{}
}

// packed is a file as Argo packs an output.
func packed(t *testing.T, name, text string) []byte {
	t.Helper()
	body, err := archiveOf(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func archiveOf(name, text string) ([]byte, error) {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	archive := tar.NewWriter(zip)
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
		return nil, err
	}
	_, err := archive.Write([]byte(text))
	err = errors.Join(err, archive.Close(), zip.Close())
	return b.Bytes(), err
}

// unpacked is the one file of an archive, which has to have a name.
func unpacked(t *testing.T, from io.Reader, name string) string {
	t.Helper()
	zip, err := gzip.NewReader(from)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(zip)
	header, err := archive.Next()
	if err != nil || header.Name != name {
		t.Fatalf("the archive begins with %+v, %v; want %s", header, err, name)
	}
	text, err := io.ReadAll(archive)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
