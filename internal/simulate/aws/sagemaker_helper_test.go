package aws_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// account is a simulated account with a role for SageMaker, and the SDK's client.
type account struct {
	*sagemaker.Client

	server *awstest.Server
	config sdk.Config
	role   *string
}

// openAccount starts an account.
func openAccount(t *testing.T, config aws.Config) account {
	t.Helper()
	server := awstest.Start(t, config)
	c := sdk.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	role, err := iam.NewFromConfig(c).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: sdk.String("execution"),
		AssumeRolePolicyDocument: sdk.String(`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := account{Client: sagemaker.NewFromConfig(c), server: server, config: c, role: role.Role.Arn}
	must[*s3.CreateBucketOutput](t)(a.storage().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("data")}))
	return a
}

// storage is the client of S3.
func (a account) storage() *s3.Client {
	return s3.NewFromConfig(a.config, func(o *s3.Options) { o.UsePathStyle = true })
}

// read returns an object of the bucket "data".
func (a account) read(t *testing.T, key string) string {
	t.Helper()
	out := must[*s3.GetObjectOutput](t)(a.storage().GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("data"), Key: &key}))
	defer out.Body.Close()
	raw := must[[]byte](t)(io.ReadAll(out.Body))
	return string(raw)
}

// write puts an object into the bucket "data".
func (a account) write(t *testing.T, key, content string) {
	t.Helper()
	must[*s3.PutObjectOutput](t)(a.storage().PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("data"), Key: &key, Body: strings.NewReader(content)}))
}

// must fails a test that cannot go on.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// wantFault checks an error of the service by its code and by words of its message.
func wantFault(t *testing.T, err error, code, words string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got error %v, want %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), words) {
		t.Errorf("got %s: %s, want %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, words)
	}
}

// tagMap is a list of tags as a map.
func tagMap(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, tag := range tags {
		out[*tag.Key] = *tag.Value
	}
	return out
}
