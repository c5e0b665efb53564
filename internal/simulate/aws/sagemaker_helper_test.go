package aws_test

import (
	"errors"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
	return account{Client: sagemaker.NewFromConfig(c), server: server, config: c, role: role.Role.Arn}
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
