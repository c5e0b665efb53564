package aws_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// TestAccounts assumes a role of another account, which it must trust, and proves
// that what is made with its keys is the other's alone.
func TestAccounts(t *testing.T) {
	t.Parallel()
	home := awstest.Start(t, aws.Config{Account: "111111111111"})
	away := awstest.Start(t, aws.Config{Account: "222222222222"})
	config := sdk.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	at := func(url string) sdk.Config {
		c := config.Copy()
		c.BaseEndpoint = &url
		return c
	}
	roles := iam.NewFromConfig(at(away.URL))
	for role, trusted := range map[string]string{"deploy": "111111111111", "private": "333333333333"} {
		must[*iam.CreateRoleOutput](t)(roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: trustOf("AWS", "arn:aws:iam::"+trusted+":root")}))
	}
	both := at(awstest.Together(t, home, away))
	assume := func(arn string) (*sts.AssumeRoleOutput, error) {
		return sts.NewFromConfig(both).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: sdk.String("ci")})
	}
	for _, arn := range []string{"arn:aws:iam::222222222222:role/private", "arn:aws:iam::222222222222:role/none", "arn:aws:iam::444444444444:role/deploy"} {
		_, err := assume(arn)
		wantFault(t, err, "AccessDenied", "User: arn:aws:iam::111111111111:user/simulated is not authorized to perform: sts:AssumeRole")
	}
	got := must[*sts.AssumeRoleOutput](t)(assume("arn:aws:iam::222222222222:role/deploy"))
	session := both.Copy()
	session.Credentials = credentials.NewStaticCredentialsProvider(*got.Credentials.AccessKeyId, *got.Credentials.SecretAccessKey, *got.Credentials.SessionToken)
	for account, c := range map[string]sdk.Config{"111111111111": both, "222222222222": session} {
		caller := must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
		if *caller.Account != account {
			t.Errorf("the caller %s is of %s, want %s", *caller.Arn, *caller.Account, account)
		}
	}
	path := func(o *s3.Options) { o.UsePathStyle = true }
	must[*s3.CreateBucketOutput](t)(s3.NewFromConfig(session, path).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("theirs")}))
	if _, err := s3.NewFromConfig(both, path).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: sdk.String("theirs")}); err == nil {
		t.Error("one account sees the other's bucket")
	}
}
