package sagemaker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// registry is a simulated account with an environment and a model.
type registry struct {
	*testing.T
	*backend

	account     *awstest.Server
	environment mlops.ID
	model       mlops.ID
}

func newRegistry(t *testing.T, config simulated.Config) registry {
	t.Helper()
	account := awstest.Start(t, config)
	r := registry{T: t, backend: openAt(t, account.URL, "us"), account: account}
	r.environment = mlops.EnvironmentID(name, []string{testRegion}, "churn")
	spec := mlops.EnvironmentSpec{ID: r.environment, Name: "churn", Stage: "dev", Target: mlops.Target{Backend: name}}
	r.the(r.Environments().Create(t.Context(), spec))
	model := mlops.ModelSpec{Environment: r.environment, Name: "trees"}
	r.model = r.the(r.Models().Create(t.Context(), model)).Ref
	return r
}

// the is a change that must succeed.
func (r registry) the(c mlops.Change, err error) mlops.Change {
	r.Helper()
	r.must(err)
	return c
}

func (r registry) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r registry) wantCode(what string, err error, want mlops.Code, words string) {
	r.Helper()
	if got := r.Code(err); err == nil || got != want || !strings.Contains(err.Error(), words) {
		r.Errorf("%s: %v (%s), want %s with %q", what, err, got, want, words)
	}
}

// as is another owner's backend on the same account.
func (r registry) as(owner string) *backend { return openAt(r.T, r.account.URL, owner) }

// file keeps content in a file.
func (r registry) file(base, content string) string {
	r.Helper()
	path := filepath.Join(r.TempDir(), base)
	r.must(os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (r registry) versionSpec(content string, change func(*mlops.ModelVersionSpec)) mlops.ModelVersionSpec {
	r.Helper()
	spec := mlops.ModelVersionSpec{Model: r.model, ArtifactURI: r.file("model.joblib", content), Format: "sklearn", Approval: "approved"}
	if change != nil {
		change(&spec)
	}
	return spec
}

func (r registry) version(content string, change func(*mlops.ModelVersionSpec)) mlops.ID {
	r.Helper()
	return r.the(r.ModelVersions().Create(r.Context(), r.versionSpec(content, change))).Ref
}

func (r registry) seen(ref mlops.ID) mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	r.Helper()
	o, err := r.ModelVersions().Get(r.Context(), ref)
	r.must(err)
	return o
}

func (r registry) versions() []mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	r.Helper()
	all, err := modelVersionKind{r.backend}.List(r.Context(), r.model)
	r.must(err)
	return all
}

func (r registry) scene() scene {
	r.Helper()
	s, err := modelKind{r.backend}.scene(r.Context(), r.model)
	r.must(err)
	return s
}

// keys lists the objects below a folder of the environment.
func (r registry) keys(folder string) []string {
	r.Helper()
	s := r.scene()
	out, err := s.c.s3.ListObjectsV2(r.Context(), &s3.ListObjectsV2Input{Bucket: &s.place.Bucket, Prefix: aws.String(s.place.key(folder))})
	r.must(err)
	var keys []string
	for _, o := range out.Contents {
		keys = append(keys, strings.TrimPrefix(aws.ToString(o.Key), s.place.key(folder)))
	}
	return keys
}
