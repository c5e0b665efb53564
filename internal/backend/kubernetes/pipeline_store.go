package kubernetes

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Where an MLflow server hands artifacts on, and how its clients call that.
const (
	mlflowArtifacts = "/api/2.0/mlflow-artifacts/artifacts/"
	mlflowScheme    = "mlflow-artifacts"
)

// The keys of a storage's secret that hold its credentials: those that KServe reads.
const (
	keyOfS3User    = "AWS_ACCESS_KEY_ID"
	keyOfS3Key     = "AWS_SECRET_ACCESS_KEY"
	keyOfGCS       = "gcloud-application-credentials.json"
	keyOfAzure     = "AZURE_STORAGE_ACCESS_KEY"
	s3Endpoint     = "s3.amazonaws.com"
	folderOfRuns   = "runs"
	folderOfMLflow = "mlops" // of what is not MLflow's own, among its artifacts
)

// artifacts is where the runs of an environment keep what their steps write.
type artifacts struct {
	layout

	mlflow *mlops.MLflow // nil where they are kept in storage
}

// artifactsOf is the place for the artifacts of an environment: its MLflow server, or
// its storage. The error says what the environment lacks.
func artifactsOf(l layout) (artifacts, error) {
	m := l.spec.MLflowRegistry()
	u, _ := url.Parse(l.storage.URI) // "" is a URL too
	switch {
	case m != nil && opensToSteps(*m):
		return artifacts{l, m}, nil
	case l.storage.URI != "" && u.Scheme != "pvc":
		return artifacts{layout: l}, nil
	case m != nil:
		return artifacts{}, errors.New(noUserName + ": add registry.mlflow.username to it, or a kubernetes.storage_uri for what steps write")
	case l.storage.URI != "":
		return artifacts{}, errors.New("artifacts of Argo Workflows cannot be kept in a volume: give the environment a registry.mlflow, or a kubernetes.storage_uri in S3, Google Cloud Storage or Azure Blob Storage")
	}
	return artifacts{}, errors.New("the environment has no place for what steps write: give it a registry.mlflow, or a kubernetes.storage_uri")
}

// noUserName says why Argo has no way to an MLflow server.
const noUserName = "steps reach an MLflow server by user name and password, which is how Argo Workflows speaks to it, and this environment has a token alone"

// opensToSteps reports whether Argo has a way to an MLflow server.
func opensToSteps(m mlops.MLflow) bool {
	return m.Mark == "" && m.Token == "" || m.Username != ""
}

// output is where a step's output of a run goes, and in which form. Run is a name, or
// what Argo puts one in place of.
func (a artifacts) output(pipeline, run, step, output string) (uri string, archive map[string]any) {
	below := path.Join(folderOfRuns, pipeline, run, step, output)
	if a.mlflow != nil {
		// MLflow takes files, and an output may be a directory.
		return mlflowScheme + ":/" + path.Join(folderOfMLflow, a.spec.Name, below) + packedSuffix, map[string]any{"tar": map[string]any{}}
	}
	return a.storage.URI + "/" + below, asItIs()
}

// asItIs is the form of artifacts that are not packed.
func asItIs() map[string]any { return map[string]any{"none": map[string]any{}} }

// locate is a URI as Argo has places. It may hold what Argo fills in.
func (a artifacts) locate(uri string) (argoLocation, error) {
	scheme, rest, _ := strings.Cut(uri, ":")
	host, key, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	switch scheme {
	case mlflowScheme:
		return a.atMLflow(strings.TrimLeft(rest, "/"))
	case "s3":
		return argoLocation{S3: a.atS3(host, key)}, nil
	case "gs":
		return argoLocation{GCS: &argoGCS{Bucket: host, Key: key, AccountKey: a.secretOf("gs", host, keyOfGCS)}}, nil
	case "http", "https":
		if strings.Contains(host, ".blob.") {
			return argoLocation{Azure: a.atAzure(host, key)}, nil
		}
		return argoLocation{HTTP: &argoHTTP{URL: uri}}, nil
	}
	return argoLocation{}, fmt.Errorf("%q is nothing that a step in a cluster can fetch: give a URL, or what begins with s3://, gs:// or mlflow-artifacts:/", uri)
}

func (a artifacts) atMLflow(key string) (argoLocation, error) {
	m := a.spec.MLflowRegistry()
	if m == nil {
		return argoLocation{}, errors.New("the environment has no registry.mlflow, and the artifact is in one")
	}
	if !opensToSteps(*m) {
		return argoLocation{}, errors.New(noUserName + ": add registry.mlflow.username to it, or give data that is in storage")
	}
	at := &argoHTTP{URL: strings.TrimSuffix(m.URI, "/") + mlflowArtifacts + key}
	if m.Username != "" {
		at.Auth = map[string]any{"basicAuth": map[string]any{
			"usernameSecret": secretKey{nameOfRegistry, keyOfUsername}, "passwordSecret": secretKey{nameOfRegistry, keyOfToken},
		}}
	}
	return argoLocation{HTTP: at}, nil
}

func (a artifacts) atS3(bucket, key string) *argoS3 {
	at := &argoS3{Endpoint: s3Endpoint, Bucket: bucket, Key: key, Region: a.storage.Region}
	if u, err := url.Parse(a.storage.Endpoint); err == nil && u.Host != "" {
		at.Endpoint, at.Insecure = u.Host, u.Scheme == "http"
	}
	at.AccessKey, at.SecretKey = a.secretOf("s3", bucket, keyOfS3User), a.secretOf("s3", bucket, keyOfS3Key)
	at.UseCredentials = at.AccessKey == nil
	return at
}

func (a artifacts) atAzure(host, rest string) *argoAzure {
	container, blob, _ := strings.Cut(rest, "/")
	at := &argoAzure{Endpoint: "https://" + host, Container: container, Blob: blob, AccountKey: a.secretOf("https", host, keyOfAzure)}
	at.UseCredentials = at.AccountKey == nil
	return at
}

// secretOf is a credential of the environment's storage, for what is in that; nil for
// what is elsewhere, or where there is none.
func (a artifacts) secretOf(scheme, host, key string) *secretKey {
	if a.storage.Secret == "" || !strings.HasPrefix(a.storage.URI+"/", scheme+"://"+host+"/") {
		return nil
	}
	return &secretKey{a.storage.Secret, key}
}

// uri is where Argo says that an artifact is, in the form in which it was asked for.
func (a artifacts) uri(at argoLocation) string {
	switch {
	case at.HTTP != nil:
		if m := a.spec.MLflowRegistry(); m != nil {
			if key, ok := strings.CutPrefix(at.HTTP.URL, strings.TrimSuffix(m.URI, "/")+mlflowArtifacts); ok {
				return mlflowScheme + ":/" + key
			}
		}
		return at.HTTP.URL
	case at.S3 != nil:
		return "s3://" + at.S3.Bucket + "/" + at.S3.Key
	case at.GCS != nil:
		return "gs://" + at.GCS.Bucket + "/" + at.GCS.Key
	case at.Azure != nil:
		return at.Azure.Endpoint + "/" + at.Azure.Container + "/" + at.Azure.Blob
	}
	return ""
}
