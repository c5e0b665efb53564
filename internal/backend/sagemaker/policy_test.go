package sagemaker

import (
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// maxRolePolicy is what the inline policies of a role may have together, in
// characters without white space.
const maxRolePolicy = 10240

// policyPlace is an environment in a region, with all that makes its policy longer.
func policyPlace(environment, region string) (*clients, place) {
	c := &clients{region: region, partition: partitionOf(region)}
	id := mlops.EnvironmentID(name, []string{region}, environment)
	const account = "123456789012"
	return c, place{
		Record: record{ID: id}, Account: account, Bucket: bucketName(id, account, region),
		Role: "arn:" + c.partition + ":iam::" + account + ":role" + rolePath + roleName(id), Topic: c.arn("sns", account, topicName(id)),
		Key: c.arn("kms", account, "key/1234abcd-12ab-34cd-56ef-1234567890ab"), Subnets: []string{"subnet-1"}, Groups: []string{"sg-1"},
		spec: mlops.EnvironmentSpec{Name: environment},
	}
}

// unbound are the actions that AWS binds to no resource (service authorization
// reference: no resource type, or none that is known before).
func unbound(action string) bool {
	return strings.HasPrefix(action, "ec2:") || action == "ecr:GetAuthorizationToken" || action == "cloudwatch:PutMetricData"
}

// TestRolePolicyForm holds the policy to IAM's grammar, its actions to the
// operations that AWS publishes, and its resources to ARNs.
func TestRolePolicyForm(t *testing.T) {
	t.Parallel()
	operations := publishedOperations(t)
	for _, region := range []string{"us-east-1", "cn-north-1", "us-gov-west-1"} {
		c, p := policyPlace(strings.Repeat("x", 63), region)
		text := rolePolicy(c, p).String()
		if len(text) > maxRolePolicy {
			t.Errorf("%s: the policy has %d characters; IAM takes %d", region, len(text), maxRolePolicy)
		}
		var document policy
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		sids := map[string]bool{}
		for _, s := range document.Statement {
			if sids[s.Sid] || !regexp.MustCompile(`^[A-Za-z0-9]+$`).MatchString(s.Sid) || s.Effect != "Allow" || s.Principal != nil {
				t.Errorf("%s: not a statement of a role's policy: %+v", region, s)
			}
			sids[s.Sid] = true
			for _, action := range s.Action {
				if !operations[action] {
					t.Errorf("%s: AWS has no %s", region, action)
				}
				if slices.Contains(s.Resource, "*") != unbound(action) {
					t.Errorf("%s: %s is allowed on %v", region, action, s.Resource)
				}
			}
			for _, r := range s.Resource {
				if a, err := arn.Parse(r); r != "*" && (err != nil || a.Partition != partitionOf(region)) {
					t.Errorf("%s: %q is no ARN there: %v", region, r, err)
				}
			}
		}
	}
}

// publishedOperations are the actions that AWS's models have an operation for, and
// the few that are named otherwise.
func publishedOperations(t *testing.T) map[string]bool {
	t.Helper()
	files, err := simulated.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{"s3:ListBucket": true, "iam:PassRole": true}
	for prefix, folders := range map[string][]string{
		"sagemaker": {"sagemaker", "runtime.sagemaker"}, "s3": {"s3"}, "logs": {"logs"}, "ecr": {"ecr"}, "kms": {"kms"},
		"ec2": {"ec2"}, "sns": {"sns"}, "cloudwatch": {"monitoring"},
	} {
		for _, folder := range folders {
			found, err := fs.Glob(files, path.Join(folder, "*", "api-2.json"))
			if err != nil || len(found) == 0 {
				t.Fatalf("no model of %s: %v", folder, err)
			}
			raw, err := fs.ReadFile(files, found[len(found)-1])
			if err != nil {
				t.Fatal(err)
			}
			var model struct {
				Operations map[string]struct{} `json:"operations"`
			}
			if err := json.Unmarshal(raw, &model); err != nil {
				t.Fatal(err)
			}
			for operation := range model.Operations {
				all[prefix+":"+operation] = true
			}
		}
	}
	return all
}

// TestRolePolicyGrants asks the policy what the role may do.
func TestRolePolicyGrants(t *testing.T) {
	t.Parallel()
	c, p := policyPlace("churn", "eu-west-1")
	long, q := policyPlace(strings.Repeat("x", 63), "eu-west-1")
	plain := p
	plain.Key, plain.Subnets, plain.Prefix = "", nil, "mlops/churn/"
	bucket := "arn:aws:s3:::mlops-churn-123456789012-eu-west-1"
	sm := func(resource string) string { return c.arn("sagemaker", "123456789012", resource) }
	tests := []struct {
		name             string
		document         policy
		action, resource string
		want             bool
	}{
		{"own objects", rolePolicy(c, p), "s3:GetObject", bucket + "/models/trees/1", true},
		{"own list", rolePolicy(c, p), "s3:ListBucket", bucket, true},
		{"other bucket", rolePolicy(c, p), "s3:GetObject", "arn:aws:s3:::payroll/x", false},
		{"bucket's settings", rolePolicy(c, p), "s3:PutBucketPolicy", bucket, false},
		{"below the prefix", rolePolicy(c, plain), "s3:PutObject", bucket + "/mlops/churn/runs/1", true},
		{"beside the prefix", rolePolicy(c, plain), "s3:PutObject", bucket + "/mlops/other/runs/1", false},
		{"own pipeline", rolePolicy(c, p), "sagemaker:StartPipelineExecution", sm("pipeline/churn--train"), true},
		{"other pipeline", rolePolicy(c, p), "sagemaker:StartPipelineExecution", sm("pipeline/fraud--train"), false},
		{"pipeline of a long name", rolePolicy(long, q), "sagemaker:StartPipelineExecution", sm("pipeline/" + pipelineName(q.Record.ID.Child(mlops.NounPipeline, "train"))), true},
		{"model of a long name", rolePolicy(long, q), "sagemaker:DescribeModelPackageGroup", sm("model-package-group/" + nativeName(q.Record.ID.Child(mlops.NounModel, "trees"), maxName)), true},
		{"own endpoint", rolePolicy(c, p), "sagemaker:InvokeEndpoint", sm("endpoint/churn--live"), true},
		{"endpoints are not made by jobs", rolePolicy(c, p), "sagemaker:CreateEndpoint", sm("endpoint/churn--live"), false},
		{"Clarify's endpoints are", rolePolicy(c, p), "sagemaker:CreateEndpoint", sm("endpoint/" + shadowPrefix(p.Record.ID) + "-1a2b"), true},
		{"Clarify's endpoints of others are not", rolePolicy(c, p), "sagemaker:CreateEndpoint", sm("endpoint/" + shadowPrefix(q.Record.ID) + "-1a2b"), false},
		{"its models can be explained", rolePolicy(c, p), "sagemaker:DescribeModel", sm("model/churn--live-1234"), true},
		{"models of others cannot", rolePolicy(c, p), "sagemaker:DescribeModel", sm("model/fraud--live-1234"), false},
		{"itself", rolePolicy(c, p), "iam:PassRole", p.Role, true},
		{"another role", rolePolicy(c, p), "iam:PassRole", "arn:aws:iam::123456789012:role/admin", false},
		{"its key", rolePolicy(c, p), "kms:Decrypt", p.Key, true},
		{"no key", rolePolicy(c, plain), "kms:Decrypt", p.Key, false},
		{"network", rolePolicy(c, p), "ec2:CreateNetworkInterface", "*", true},
		{"no network", rolePolicy(c, plain), "ec2:CreateNetworkInterface", "*", false},
		{"its topic", rolePolicy(c, p), "sns:Publish", p.Topic, true},
		{"log of a job", rolePolicy(c, p), "logs:PutLogEvents", c.arn("logs", "123456789012", "log-group:/aws/sagemaker/ProcessingJobs:log-stream:x"), true},
		{"log of a job on spot capacity", rolePolicy(c, p), "logs:PutLogEvents", c.arn("logs", "123456789012", "log-group:/aws/sagemaker/TrainingJobs:log-stream:x"), true},
		{"job on spot capacity", rolePolicy(c, p), "sagemaker:CreateTrainingJob", sm("training-job/pipelines-1-fit-2"), true},
		{"its end", rolePolicy(c, p), "sagemaker:StopTrainingJob", sm("training-job/pipelines-1-fit-2"), true},
		{"its tags", rolePolicy(c, p), "sagemaker:AddTags", sm("training-job/pipelines-1-fit-2"), true},
		{"its checkpoints", rolePolicy(c, p), "s3:PutObject", bucket + "/runs/1/fit/checkpoints/epoch", true},
		{"no tuning", rolePolicy(c, p), "sagemaker:CreateHyperParameterTuningJob", sm("hyper-parameter-tuning-job/x"), false},
		{"other log", rolePolicy(c, p), "logs:PutLogEvents", c.arn("logs", "123456789012", "log-group:/aws/lambda/x"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := grants(tt.document, tt.action, tt.resource); got != tt.want {
				t.Errorf("%s on %s is allowed: %t, want %t", tt.action, tt.resource, got, tt.want)
			}
		})
	}
}

// grants evaluates a document of allowances as IAM does, but for conditions.
func grants(document policy, action, resource string) bool {
	matches := func(patterns []string, text string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			form := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(p))
			return regexp.MustCompile(`^` + form + `$`).MatchString(text)
		})
	}
	return slices.ContainsFunc(document.Statement, func(s statement) bool {
		return s.Effect == "Allow" && matches(s.Action, action) && matches(s.Resource, resource)
	})
}

// TestOtherPolicies proves who may take the role and who may publish: AWS's
// services for this account, and that nobody reaches a bucket without TLS.
func TestOtherPolicies(t *testing.T) {
	t.Parallel()
	c, p := policyPlace("churn", "cn-north-1")
	for _, document := range []policy{trustPolicy(p.Account), topicPolicy(p.Topic, p.Account)} {
		for _, s := range document.Statement {
			if !slices.Equal(s.Condition["StringEquals"]["aws:SourceAccount"], []string{p.Account}) || len(s.Principal["Service"]) == 0 || len(s.Principal) != 1 {
				t.Errorf("it is not bound to the account: %+v", s)
			}
		}
	}
	closed := bucketPolicy(c, p.Bucket).Statement[0]
	if closed.Effect != "Deny" || !slices.Equal(closed.Condition["Bool"]["aws:SecureTransport"], []string{"false"}) ||
		!slices.Equal(closed.Resource, []string{"arn:aws-cn:s3:::" + p.Bucket, "arn:aws-cn:s3:::" + p.Bucket + "/*"}) {
		t.Errorf("not closed: %+v", closed)
	}
}

// TestPartNames proves that the names of parts keep to AWS's lengths and differ
// where environments do.
func TestPartNames(t *testing.T) {
	t.Parallel()
	const account = "123456789012"
	seen := map[string]mlops.ID{}
	for _, region := range []string{"us-east-1", "us-gov-west-1", "ap-southeast-2"} {
		for _, environment := range []string{"a", "churn", "churn-eu", strings.Repeat("x", 40), strings.Repeat("x", 62) + "y", strings.Repeat("x", 62) + "z", "a--b"} {
			id := mlops.EnvironmentID(name, []string{region}, environment)
			bucket := bucketName(id, account, region)
			if !bucketForm.MatchString(bucket) {
				t.Errorf("%s: %q is no name of a bucket", id, bucket)
			}
			if role := roleName(id); len(role) > 64 {
				t.Errorf("%s: the role's name %q has %d characters", id, role, len(role))
			}
			if budget := budgetName(id); len(budget) > 100 {
				t.Errorf("%s: the budget's name %q has %d characters", id, budget, len(budget))
			}
			for _, one := range []string{"bucket " + bucket, "role " + roleName(id), "budget " + budgetName(id), "topic " + region + topicName(id)} {
				if other, taken := seen[one]; taken {
					t.Errorf("%s and %s share the %s", id, other, one)
				}
				seen[one] = id
			}
		}
	}
	if got, want := bucketName(mlops.EnvironmentID(name, []string{"us-east-1"}, "churn"), account, "us-east-1"), "mlops-churn-123456789012-us-east-1"; got != want {
		t.Errorf("bucket %q, want %q", got, want)
	}
}
