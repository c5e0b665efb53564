package aws_test

import (
	"net/url"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// trustOf is a trust policy for a principal.
func trustOf(kind, principal string) *string {
	return sdk.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"` + kind + `": "` + principal + `"}, "Action": "sts:AssumeRole"}]}`)
}

// makeRole makes a role that a service may assume, and returns its ARN.
func makeRole(t *testing.T, c sdk.Config, name, service string) *string {
	t.Helper()
	return must[*iam.CreateRoleOutput](t)(iam.NewFromConfig(c).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: trustOf("Service", service),
	})).Role.Arn
}

func TestRoleLife(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, role := iam.NewFromConfig(config), sdk.String("execution")
	made := must[*iam.CreateRoleOutput](t)(c.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: role, Path: sdk.String("/mlops/"), AssumeRolePolicyDocument: trustOf("Service", "sagemaker.amazonaws.com"),
		Description: sdk.String("größer"), Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}},
	}))
	if *made.Role.Arn != "arn:aws:iam::123456789012:role/mlops/execution" || *made.Role.MaxSessionDuration != 3600 || !strings.HasPrefix(*made.Role.RoleId, "AROA") {
		t.Errorf("made %+v", made.Role)
	}
	document := `{"Version": "2012-10-17", "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::data/*"}]}`
	must[*iam.PutRolePolicyOutput](t)(c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: role, PolicyName: sdk.String("data"), PolicyDocument: &document}))
	policy := must[*iam.GetRolePolicyOutput](t)(c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: role, PolicyName: sdk.String("data")}))
	if got := must[string](t)(url.PathUnescape(*policy.PolicyDocument)); got != document {
		t.Errorf("the document is %s", got)
	}
	managed := sdk.String("arn:aws:iam::aws:policy/AmazonSageMakerReadOnly")
	must[*iam.AttachRolePolicyOutput](t)(c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: managed}))
	attached := must[*iam.ListAttachedRolePoliciesOutput](t)(c.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: role}))
	if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AmazonSageMakerReadOnly" {
		t.Errorf("attached are %+v", attached.AttachedPolicies)
	}
	_, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: role})
	wantFault(t, err, "DeleteConflict", "detach all policies first")
	must[*iam.DetachRolePolicyOutput](t)(c.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: managed}))
	_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: role})
	wantFault(t, err, "DeleteConflict", "delete policies first")
	must[*iam.DeleteRolePolicyOutput](t)(c.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: sdk.String("data")}))

	must[*iam.TagRoleOutput](t)(c.TagRole(t.Context(), &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: sdk.String("b"), Value: sdk.String("2")}, {Key: sdk.String("c"), Value: sdk.String("3")}}}))
	must[*iam.UntagRoleOutput](t)(c.UntagRole(t.Context(), &iam.UntagRoleInput{RoleName: role, TagKeys: []string{"a"}}))
	got := map[string]string{}
	pages := iam.NewListRoleTagsPaginator(c, &iam.ListRoleTagsInput{RoleName: role, MaxItems: sdk.Int32(1)})
	for pages.HasMorePages() {
		for _, tag := range must[*iam.ListRoleTagsOutput](t)(pages.NextPage(t.Context())).Tags {
			got[*tag.Key] = *tag.Value
		}
	}
	if diff := cmp.Diff(map[string]string{"b": "2", "c": "3"}, got); diff != "" {
		t.Error(diff)
	}
	must[*iam.UpdateAssumeRolePolicyOutput](t)(c.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: role, PolicyDocument: trustOf("Service", "events.amazonaws.com")}))
	read := must[*iam.GetRoleOutput](t)(c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: role}))
	if trust := must[string](t)(url.PathUnescape(*read.Role.AssumeRolePolicyDocument)); trust != *trustOf("Service", "events.amazonaws.com") || *read.Role.Description != "größer" {
		t.Errorf("read %s, trust %s", *read.Role.Description, trust)
	}
	must[*iam.DeleteRoleOutput](t)(c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: role}))
	_, err = c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: role})
	wantFault(t, err, "NoSuchEntity", "The role with name execution cannot be found.")
}

func TestRoleRefuses(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c := iam.NewFromConfig(config)
	makeRole(t, config, "Execution", "sagemaker.amazonaws.com")
	create := func(name, trust string) error {
		_, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
		return err
	}
	put := func(document string) error {
		_, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: sdk.String("Execution"), PolicyName: sdk.String("p"), PolicyDocument: &document})
		return err
	}
	statement := func(s string) string { return `{"Version": "2012-10-17", "Statement": [` + s + `]}` }
	cases := []struct {
		name, code, words string
		err               error
	}{
		{"a name in other case", "EntityAlreadyExists", "already exists", create("execution", *trustOf("Service", "sagemaker.amazonaws.com"))},
		{"trust that is no JSON", "MalformedPolicyDocument", "invalid Json", create("r", "x")},
		{"trust without a version", "MalformedPolicyDocument", "valid version", create("r", `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}`)},
		{"trust without a principal", "MalformedPolicyDocument", "Principal", create("r", statement(`{"Effect": "Allow", "Action": "sts:AssumeRole"}`))},
		{"trust with a resource", "MalformedPolicyDocument", "Resource", create("r", statement(`{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}`))},
		{"trust of another action", "MalformedPolicyDocument", "STS", create("r", statement(`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}`))},
		{"trust that is too long", "LimitExceeded", "ACLSizePerRole", create("r", *trustOf("AWS", "arn:aws:iam::123456789012:role/"+strings.Repeat("x", 2048)))},
		{"a policy with a principal", "MalformedPolicyDocument", "should not specify a principal", put(statement(`{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}`))},
		{"a policy without resources", "MalformedPolicyDocument", "must contain resources", put(statement(`{"Effect": "Allow", "Action": "s3:*"}`))},
		{"a policy without actions", "MalformedPolicyDocument", "must contain actions", put(statement(`{"Effect": "Allow", "Resource": "*"}`))},
		{"an action without its service", "MalformedPolicyDocument", "vendor", put(statement(`{"Effect": "Allow", "Action": "GetObject", "Resource": "*"}`))},
		{"a resource that is no ARN", "MalformedPolicyDocument", "ARN format", put(statement(`{"Effect": "Allow", "Action": "s3:*", "Resource": "data"}`))},
		{"a bad statement ID", "MalformedPolicyDocument", "alpha-numeric", put(statement(`{"Sid": "a-b", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}`))},
		{"one statement ID twice", "MalformedPolicyDocument", "unique", put(statement(`{"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}`))},
		{"an effect in other case", "MalformedPolicyDocument", "Syntax errors", put(statement(`{"Effect": "allow", "Action": "s3:*", "Resource": "*"}`))},
		{"an unknown member", "MalformedPolicyDocument", "Syntax errors", put(`{"Version": "2012-10-17", "Statements": []}`)},
		{"policies that are too long", "LimitExceeded", "Maximum policy size of 10240", put(statement(`{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::` + strings.Repeat("x", 10240) + `"}`))},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, tt.err, tt.code, tt.words)
		})
	}
	if err := put(statement(strings.Repeat(" ", 11000) + `{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}`)); err != nil {
		t.Errorf("white space counts: %v", err)
	}
	_, err := c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: sdk.String("Execution"), PolicyArn: sdk.String("arn:aws:iam::123456789012:policy/mine")})
	wantFault(t, err, "NoSuchEntity", "not attachable")
}

func TestSessions(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c := sts.NewFromConfig(config)
	caller := must[*sts.GetCallerIdentityOutput](t)(c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	if *caller.Account != "123456789012" || *caller.Arn != "arn:aws:iam::123456789012:user/simulated" {
		t.Errorf("the caller is %s of %s", *caller.Arn, *caller.Account)
	}
	must[*iam.CreateRoleOutput](t)(iam.NewFromConfig(config).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: sdk.String("deploy"), AssumeRolePolicyDocument: trustOf("AWS", "arn:aws:iam::123456789012:root")}))
	makeRole(t, config, "execution", "sagemaker.amazonaws.com")
	assume := func(role string, seconds int32) (*sts.AssumeRoleOutput, error) {
		return c.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: sdk.String("arn:aws:iam::123456789012:role/" + role), RoleSessionName: sdk.String("ci"), DurationSeconds: &seconds})
	}
	for _, role := range []string{"none", "execution"} {
		_, err := assume(role, 900)
		wantFault(t, err, "AccessDenied", "not authorized to perform: sts:AssumeRole")
	}
	_, err := assume("deploy", 7200)
	wantFault(t, err, "ValidationError", "MaxSessionDuration")
	got := must[*sts.AssumeRoleOutput](t)(assume("deploy", 900))
	config.Credentials = credentials.NewStaticCredentialsProvider(*got.Credentials.AccessKeyId, *got.Credentials.SecretAccessKey, *got.Credentials.SessionToken)
	caller = must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(config).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	if *caller.Arn != "arn:aws:sts::123456789012:assumed-role/deploy/ci" {
		t.Errorf("the session is %s", *caller.Arn)
	}
}
