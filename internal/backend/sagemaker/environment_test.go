package sagemaker

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// testKey encrypts what a test keeps.
const testKey = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// estate is an account in which a test makes an environment.
type estate struct {
	*testing.T

	backend *backend
	kind    environmentKind
	c       *clients
	id      mlops.ID
}

func newEstate(t *testing.T, url string) estate {
	t.Helper()
	e := estate{T: t, backend: openAt(t, url, "us"), id: mlops.EnvironmentID(name, []string{testRegion}, "churn")}
	e.kind = environmentKind{e.backend}
	var err error
	e.c, err = e.backend.in(t.Context(), e.id)
	e.must(err)
	return e
}

func (e estate) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e estate) spec(change func(*mlops.EnvironmentSpec)) mlops.EnvironmentSpec {
	s := mlops.EnvironmentSpec{ID: e.id, Name: "churn", Stage: "prod", Target: mlops.Target{Backend: name, Settings: mlops.Settings{}}}
	if change != nil {
		change(&s)
	}
	return s
}

// bring creates an environment, or brings it to a spec, and waits until it is
// ready.
func (e estate) bring(spec mlops.EnvironmentSpec) place {
	e.Helper()
	settledReady(e.T, e.kind, created(e.T, e.kind, spec))
	p, err := e.backend.readPlace(e.Context(), e.id)
	e.must(err)
	return p
}

// created is a change that must be accepted.
func created(t *testing.T, k environmentKind, spec mlops.EnvironmentSpec) mlops.Change {
	t.Helper()
	change, err := k.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// remove deletes the environment and waits until it is gone.
func (e estate) remove() {
	e.Helper()
	e.must(e.kind.Delete(e.Context(), e.id))
	for range patientLooks {
		seen, err := e.kind.Get(e.Context(), e.id)
		if e.backend.is(err, mlops.NotFound) {
			return
		}
		e.must(err)
		if !seen.Due {
			e.Fatalf("it is %s because %q, and nothing is due", seen.Phase, seen.Reason)
		}
		e.must(e.kind.Advance(e.Context(), e.id))
	}
	e.Fatal("it does not go")
}

// full is a spec of everything.
func full(s *mlops.EnvironmentSpec) {
	s.Labels = map[string]string{"team": "risk", "cost": "4711"}
	s.Retention = &mlops.Retention{Runs: mlops.Duration(36 * time.Hour), Captures: mlops.Duration(14 * 24 * time.Hour)}
	s.Budget = &mlops.Budget{MonthlyUSD: 99.5, Emails: []string{"ops@example.com"}}
	s.Target.Settings[targetKey] = testKey
}

// TestEnvironmentParts looks at what is made for an environment with AWS's own
// clients.
func TestEnvironmentParts(t *testing.T) {
	t.Parallel()
	newEstate(t, awstest.Start(t, simulated.Config{}).URL).partsLife()
}

// partsLife makes an environment of everything, changes it and removes it, and
// looks at each part.
func (e estate) partsLife() {
	e.Helper()
	p := e.bring(e.spec(full))
	e.wantRole(p)
	e.wantBucket(p, map[string]int32{"captures": 14, "runs": 2})
	e.wantTags(p, map[string]string{"team": "risk", "cost": "4711"})
	e.wantTopic(p)
	e.wantBudget("99.5")

	p = e.bring(e.spec(func(s *mlops.EnvironmentSpec) {
		s.Labels = map[string]string{"team": "growth"}
		s.Retention = &mlops.Retention{Runs: mlops.Duration(time.Hour)}
	}))
	e.wantRole(p)
	e.wantBucket(p, map[string]int32{"runs": 1})
	e.wantTags(p, map[string]string{"team": "growth"})
	e.wantTopic(p)
	e.wantBudget("")

	e.litter(p)
	e.remove()
	e.wantNothing(p)
}

// wantRole insists on a role that AWS's services of this account can take.
func (e estate) wantRole(p place) {
	e.Helper()
	out, err := e.c.iam.GetRole(e.Context(), &iam.GetRoleInput{RoleName: aws.String(roleName(e.id))})
	e.must(err)
	if *out.Role.Arn != p.Role || *out.Role.Path != "/mlops/" {
		e.Errorf("the role is %s below %s, want %s", *out.Role.Arn, *out.Role.Path, p.Role)
	}
	trust, err := url.QueryUnescape(*out.Role.AssumeRolePolicyDocument)
	e.must(err)
	if trust != trustPolicy(p.Account).String() {
		e.Errorf("trust is %s", trust)
	}
	inline, err := e.c.iam.GetRolePolicy(e.Context(), &iam.GetRolePolicyInput{RoleName: out.Role.RoleName, PolicyName: aws.String(policyOfRole)})
	e.must(err)
	document, err := url.QueryUnescape(*inline.PolicyDocument)
	e.must(err)
	if want := rolePolicy(e.c, p).String(); document != want {
		e.Errorf("policy differs (-want +got):\n%s", cmp.Diff(want, document))
	}
}

// wantBucket insists on a bucket that is closed, encrypted and versioned, and that
// forgets the folders after so many days.
func (e estate) wantBucket(p place, forgets map[string]int32) {
	e.Helper()
	versioning, err := e.c.s3.GetBucketVersioning(e.Context(), &s3.GetBucketVersioningInput{Bucket: &p.Bucket})
	e.must(err)
	if versioning.Status != types.BucketVersioningStatusEnabled {
		e.Errorf("versioning is %q", versioning.Status)
	}
	block, err := e.c.s3.GetPublicAccessBlock(e.Context(), &s3.GetPublicAccessBlockInput{Bucket: &p.Bucket})
	e.must(err)
	if b := block.PublicAccessBlockConfiguration; !*b.BlockPublicAcls || !*b.BlockPublicPolicy || !*b.IgnorePublicAcls || !*b.RestrictPublicBuckets {
		e.Errorf("the public is blocked by %+v", b)
	}
	encryption, err := e.c.s3.GetBucketEncryption(e.Context(), &s3.GetBucketEncryptionInput{Bucket: &p.Bucket})
	e.must(err)
	rule := encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault
	if wantAlgorithm := encryptionRule(p.Key).Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm; rule.SSEAlgorithm != wantAlgorithm || aws.ToString(rule.KMSMasterKeyID) != p.Key {
		e.Errorf("encrypted by %s with %q, want %s with %q", rule.SSEAlgorithm, aws.ToString(rule.KMSMasterKeyID), wantAlgorithm, p.Key)
	}
	closed, err := e.c.s3.GetBucketPolicy(e.Context(), &s3.GetBucketPolicyInput{Bucket: &p.Bucket})
	e.must(err)
	if !strings.Contains(*closed.Policy, `"Deny"`) || !strings.Contains(*closed.Policy, "aws:SecureTransport") {
		e.Errorf("policy is %s", *closed.Policy)
	}
	lifecycle, err := e.c.s3.GetBucketLifecycleConfiguration(e.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: &p.Bucket})
	e.must(err)
	got := map[string]int32{}
	for _, r := range lifecycle.Rules {
		if r.Expiration != nil && r.Expiration.Days != nil {
			got[strings.TrimSuffix(*r.Filter.Prefix, "/")] = *r.Expiration.Days
		} else if r.NoncurrentVersionExpiration == nil || r.AbortIncompleteMultipartUpload == nil {
			e.Errorf("the rule %s is of nothing", *r.ID)
		}
	}
	if d := cmp.Diff(forgets, got); d != "" {
		e.Errorf("days of the folders differ (-want +got):\n%s", d)
	}
}

// wantTags insists on the user's tags, and on the provider's, on every part.
func (e estate) wantTags(p place, labels map[string]string) {
	e.Helper()
	want := map[string]string{tagManagedBy: agent, tagEnvironment: "churn", tagStage: "prod", tagID: string(e.id)}
	maps.Copy(want, labels)
	bucket, err := e.c.s3.GetBucketTagging(e.Context(), &s3.GetBucketTaggingInput{Bucket: &p.Bucket})
	e.must(err)
	role, err := e.c.iam.ListRoleTags(e.Context(), &iam.ListRoleTagsInput{RoleName: aws.String(roleName(e.id))})
	e.must(err)
	record, err := e.c.ssm.ListTagsForResource(e.Context(), &ssm.ListTagsForResourceInput{ResourceType: "Parameter", ResourceId: aws.String(parameterName(e.id))})
	e.must(err)
	topic, err := topicTags(e.Context(), e.c, p.Topic)
	e.must(err)
	got := map[string]map[string]string{"topic": topic, "bucket": {}, "role": {}, "record": {}}
	for _, t := range bucket.TagSet {
		got["bucket"][*t.Key] = *t.Value
	}
	for _, t := range role.Tags {
		got["role"][*t.Key] = *t.Value
	}
	for _, t := range record.TagList {
		got["record"][*t.Key] = *t.Value
	}
	for part, tags := range got {
		if d := cmp.Diff(want, tags); d != "" {
			e.Errorf("tags of the %s differ (-want +got):\n%s", part, d)
		}
	}
}

func (e estate) wantTopic(p place) {
	e.Helper()
	out, err := e.c.sns.GetTopicAttributes(e.Context(), &sns.GetTopicAttributesInput{TopicArn: &p.Topic})
	e.must(err)
	if got := out.Attributes["KmsMasterKeyId"]; got != p.Key {
		e.Errorf("the topic is encrypted with %q, want %q", got, p.Key)
	}
	var want, got any
	e.must(json.Unmarshal([]byte(topicPolicy(p.Topic, p.Account).String()), &want))
	e.must(json.Unmarshal([]byte(out.Attributes["Policy"]), &got))
	if d := cmp.Diff(want, got); d != "" {
		e.Errorf("policy of the topic differs (-want +got):\n%s", d)
	}
}

// wantBudget insists on a budget of an amount, or on none.
func (e estate) wantBudget(amount string) {
	e.Helper()
	account, err := e.c.account(e.Context())
	e.must(err)
	out, err := e.c.budgets.DescribeBudget(e.Context(), &budgets.DescribeBudgetInput{AccountId: &account, BudgetName: aws.String(budgetName(e.id))})
	switch {
	case amount == "" && e.backend.is(err, mlops.NotFound):
		return
	case err != nil || amount == "":
		e.Fatalf("budget is %+v, %v, want %q", out, err, amount)
	}
	if got := *out.Budget.BudgetLimit.Amount; got != amount {
		e.Errorf("budget is %s, want %s", got, amount)
	}
	notices, err := e.c.budgets.DescribeNotificationsForBudget(e.Context(), &budgets.DescribeNotificationsForBudgetInput{AccountId: &account, BudgetName: out.Budget.BudgetName})
	e.must(err)
	if len(notices.Notifications) != len(defaultAlerts()) {
		e.Errorf("%d alerts, want %d", len(notices.Notifications), len(defaultAlerts()))
	}
}

// litter leaves versions and a delete marker where the provider keeps things.
func (e estate) litter(p place) {
	e.Helper()
	e.withoutTLS(p)
	files := &store{e.backend, e.c.s3, p}
	for _, content := range []string{"first", "second"} {
		for _, key := range []string{"models/trees/1/model.bin", "runs/1/result.json"} {
			e.must(files.putBytes(e.Context(), p.key(key), []byte(content)))
		}
	}
	_, err := e.c.s3.DeleteObject(e.Context(), &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: aws.String(p.key("runs/1/result.json"))})
	e.must(err)
}

// withoutTLS opens the bucket to a test, whose calls come without TLS.
func (e estate) withoutTLS(p place) {
	e.Helper()
	_, err := e.c.s3.DeleteBucketPolicy(e.Context(), &s3.DeleteBucketPolicyInput{Bucket: &p.Bucket})
	e.must(err)
}

// wantNothing insists that no part is left.
func (e estate) wantNothing(p place) {
	e.Helper()
	_, bucket := e.c.s3.HeadBucket(e.Context(), &s3.HeadBucketInput{Bucket: &p.Bucket})
	_, role := e.c.iam.GetRole(e.Context(), &iam.GetRoleInput{RoleName: aws.String(roleName(e.id))})
	_, topic := topicTags(e.Context(), e.c, e.c.arn("sns", p.Account, topicName(e.id)))
	_, record := e.c.ssm.GetParameter(e.Context(), &ssm.GetParameterInput{Name: aws.String(parameterName(e.id))})
	for part, err := range map[string]error{"bucket": bucket, "role": role, "topic": topic, "record": record} {
		if !e.backend.is(err, mlops.NotFound) {
			e.Errorf("the %s is left: %v", part, err)
		}
	}
	e.wantBudget("")
	models, err := e.c.sagemaker.ListModels(e.Context(), &sagemaker.ListModelsInput{})
	e.must(err)
	if len(models.Models) != 0 {
		e.Errorf("the probe %s is left", *models.Models[0].ModelName)
	}
}
