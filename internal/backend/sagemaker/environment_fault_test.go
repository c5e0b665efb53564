package sagemaker

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// TestEnvironmentSurvives proves that an environment's life, cut off at any of its
// calls and taken up again, comes to the same end and leaves nothing behind.
func TestEnvironmentSurvives(t *testing.T) {
	t.Parallel()
	for _, call := range environmentCalls() {
		for _, how := range []struct {
			name string
			rule func(simulated.Rule) simulated.Rule
		}{
			{"never made", func(r simulated.Rule) simulated.Rule { r.Before = true; return r }},
			{"answer lost", func(r simulated.Rule) simulated.Rule { r.After = true; return r }},
		} {
			t.Run(call.Service+"."+call.Operation+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				account := awstest.Start(t, simulated.Config{Lag: 1})
				e := newEstate(t, account.URL)
				e.backend.options.Settings[settingMaxAttempts] = int64(1) // as if the process had died of it
				clear(e.backend.regions)
				for _, spec := range []mlops.EnvironmentSpec{e.spec(full), e.spec(nil)} {
					account.Inject(how.rule(call))
					e.endures(spec)
					account.Heal()
				}
				p, err := e.backend.readPlace(t.Context(), e.id)
				e.must(err)
				e.litter(p)
				account.Inject(how.rule(call))
				e.goes()
				account.Heal()
				e.wantNothing(p)
			})
		}
	}
}

// environmentCalls are those that change something, each once for every time that
// a life makes it.
func environmentCalls() []simulated.Rule {
	calls := []simulated.Rule{
		{Service: "ssm", Operation: "GetParameter"},
		{Service: "ssm", Operation: "PutParameter"},
		{Service: "ssm", Operation: "PutParameter", Skip: 1},
		{Service: "ssm", Operation: "PutParameter", Skip: 2},
		{Service: "ssm", Operation: "AddTagsToResource"},
		{Service: "ssm", Operation: "DeleteParameter"},
		{Service: "iam", Operation: "CreateRole"},
		{Service: "iam", Operation: "PutRolePolicy"},
		{Service: "iam", Operation: "TagRole"},
		{Service: "iam", Operation: "UntagRole"},
		{Service: "iam", Operation: "DeleteRolePolicy"},
		{Service: "iam", Operation: "DeleteRole"},
		{Service: "sns", Operation: "CreateTopic"},
		{Service: "sns", Operation: "SetTopicAttributes"},
		{Service: "sns", Operation: "DeleteTopic"},
		{Service: "budgets", Operation: "CreateBudget"},
		{Service: "budgets", Operation: "DeleteBudget"},
		{Service: "sagemaker", Operation: "CreateModel"},
		{Service: "sagemaker", Operation: "DeleteModel"},
		{Service: "s3", Operation: "POST"},
		{Service: "s3", Operation: "DELETE"},
	}
	for skip := range 7 { // making a bucket and all of its settings
		calls = append(calls, simulated.Rule{Service: "s3", Operation: "PUT", Skip: skip})
	}
	return calls
}

// endures brings the environment to a spec, trying again as long as it fails.
func (e estate) endures(spec mlops.EnvironmentSpec) {
	e.Helper()
	for range patientLooks {
		change, err := e.kind.Create(e.Context(), spec)
		if err != nil {
			continue
		}
		seen, err := e.kind.Get(e.Context(), e.id)
		if err == nil && seen.Due {
			err = e.kind.Advance(e.Context(), e.id)
		}
		if err == nil && seen.Phase == mlops.PhaseReady {
			if seen.Revision != change.Revision || revisionOf(seen.Spec) != change.Revision {
				e.Errorf("it is ready at %s of %s, want %s", seen.Revision, revisionOf(seen.Spec), change.Revision)
			}
			return
		}
	}
	e.Fatal("it is never ready")
}

// goes deletes the environment, trying again as long as that fails.
func (e estate) goes() {
	e.Helper()
	for range patientLooks {
		if err := e.kind.Delete(e.Context(), e.id); e.backend.is(err, mlops.NotFound) {
			return
		}
	}
	e.Fatal("it does not go")
}

// TestInterruptedChange proves that a change that did not come to its end is shown
// as not made, so that the next plan has it again.
func TestInterruptedChange(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, simulated.Config{})
	e := newEstate(t, account.URL)
	before := e.spec(nil)
	e.bring(before)
	account.Inject(simulated.Rule{Service: "s3", Operation: "PUT", Times: -1, Fault: &simulated.Fault{Code: "AccessDenied", Message: "no", Status: 403}})
	change, err := e.kind.Update(t.Context(), e.id, e.spec(full))
	if !e.backend.is(err, mlops.PermissionDenied) || change.Ref != e.id {
		t.Fatalf("update: %+v, %v, want PermissionDenied of %s", change, err, e.id)
	}
	seen, err := e.kind.Get(t.Context(), e.id)
	e.must(err)
	if d := cmp.Diff(before, seen.Spec); d != "" || seen.Revision == change.Revision || !strings.Contains(seen.Reason, "apply again") {
		t.Errorf("after an interruption it is at %s because %q; its spec (-want +got):\n%s", seen.Revision, seen.Reason, d)
	}
	account.Heal()
	e.bring(e.spec(full))
	e.wantBudget("99.5")
}

// TestRoleInEffect proves that an environment is ready no sooner than SageMaker can
// take its role.
func TestRoleInEffect(t *testing.T) {
	t.Parallel()
	e := newEstate(t, awstest.Start(t, simulated.Config{Lag: 3}).URL)
	change := created(t, e.kind, e.spec(nil))
	for range 3 {
		seen, err := e.kind.Get(t.Context(), e.id)
		e.must(err)
		if seen.Phase != mlops.PhasePending || !seen.Due || !strings.Contains(seen.Reason, "not in effect") {
			t.Fatalf("it is %s because %q while the role is not known", seen.Phase, seen.Reason)
		}
		e.must(e.kind.Advance(t.Context(), e.id))
	}
	settledReady(t, e.kind, change)
}

// TestForeignParts proves that nothing is taken that has a name of ours and is
// somebody else's.
func TestForeignParts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(estate, place) error
	}{
		{"bucket with tags", func(e estate, p place) error {
			_, err := e.c.s3.CreateBucket(e.Context(), &s3.CreateBucketInput{Bucket: &p.Bucket})
			e.must(err)
			_, err = e.c.s3.PutBucketTagging(e.Context(), &s3.PutBucketTaggingInput{Bucket: &p.Bucket, Tagging: &s3types.Tagging{
				TagSet: []s3types.Tag{{Key: aws.String("of"), Value: aws.String("them")}},
			}})
			return err
		}},
		{"bucket with content", func(e estate, p place) error {
			_, err := e.c.s3.CreateBucket(e.Context(), &s3.CreateBucketInput{Bucket: &p.Bucket})
			e.must(err)
			return (&store{e.backend, e.c.s3, p}).putBytes(e.Context(), "models/theirs", []byte("x"))
		}},
		{"role", func(e estate, p place) error {
			_, err := e.c.iam.CreateRole(e.Context(), &iam.CreateRoleInput{
				RoleName: aws.String(roleName(e.id)), AssumeRolePolicyDocument: aws.String(trustPolicy(p.Account).String()),
				Tags: []iamtypes.Tag{{Key: aws.String("of"), Value: aws.String("them")}},
			})
			return err
		}},
		{"topic", func(e estate, _ place) error {
			_, err := e.c.sns.CreateTopic(e.Context(), &sns.CreateTopicInput{Name: aws.String(topicName(e.id))})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEstate(t, awstest.Start(t, simulated.Config{}).URL)
			p, err := e.kind.plan(t.Context(), e.c, e.spec(nil), nil)
			e.must(err)
			e.must(tt.make(e, p))
			change, err := e.kind.Create(t.Context(), e.spec(nil))
			if !e.backend.is(err, mlops.AlreadyExists) || change.Ref != e.id {
				t.Fatalf("create: %+v, %v, want AlreadyExists", change, err)
			}
			e.must(e.kind.Delete(t.Context(), e.id))
			if change, err = e.kind.Create(t.Context(), e.spec(nil)); !e.backend.is(err, mlops.AlreadyExists) {
				t.Errorf("after deletion of what is ours: %+v, %v, want that theirs is still there", change, err)
			}
		})
	}
}

// TestForeignObject proves that a bucket of ours is kept while it holds what is not
// ours, if only as an old version.
func TestForeignObject(t *testing.T) {
	t.Parallel()
	e := newEstate(t, awstest.Start(t, simulated.Config{}).URL)
	p := e.bring(e.spec(nil))
	files := &store{e.backend, e.c.s3, p}
	e.must(files.putBytes(t.Context(), "holiday/photo.jpg", []byte("x")))
	_, err := e.c.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: aws.String("holiday/photo.jpg")})
	e.must(err)
	err = e.kind.Delete(t.Context(), e.id)
	if !e.backend.is(err, mlops.Conflict) || !strings.Contains(err.Error(), "s3://"+p.Bucket+"/holiday/") {
		t.Errorf("delete of an environment with a foreign object: %v", err)
	}
	e.must(files.remove(t.Context(), "holiday/"))
	e.remove()
	e.wantNothing(p)
}

// TestBroughtParts proves that what was brought is used, and neither changed nor
// removed; and that what was made before goes at the end.
func TestBroughtParts(t *testing.T) {
	t.Parallel()
	e := newEstate(t, awstest.Start(t, simulated.Config{}).URL)
	_, err := e.c.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("theirs")})
	e.must(err)
	role, err := e.c.iam.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("theirs"), AssumeRolePolicyDocument: aws.String(trustPolicy("123456789012").String()),
	})
	e.must(err)
	topic, err := e.c.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("theirs")})
	e.must(err)

	p := e.bring(e.spec(func(s *mlops.EnvironmentSpec) { s.Target.Settings[targetBucket] = "theirs" }))
	e.wantRole(p)
	p = e.bring(e.spec(func(s *mlops.EnvironmentSpec) {
		s.Target.Settings = mlops.Settings{targetBucket: "theirs", targetRole: *role.Role.Arn, targetTopic: *topic.TopicArn}
	}))
	if p.Role != *role.Role.Arn || p.Topic != *topic.TopicArn || p.Prefix != "mlops/churn/" || len(p.Made) != 0 {
		t.Errorf("brought: %+v", p)
	}
	if want := []string{partRole, partTopic}; !slices.Equal(p.Left, want) {
		t.Errorf("left of before: %v, want %v", p.Left, want)
	}
	files := &store{e.backend, e.c.s3, p}
	e.must(files.putBytes(t.Context(), "theirs.txt", []byte("x")))
	e.must(files.putBytes(t.Context(), p.key("models/ours"), []byte("x")))
	e.remove()

	left, err := files.below(t.Context(), "theirs", "")
	e.must(err)
	if len(left) != 1 || left[0].key != "theirs.txt" {
		t.Errorf("left in the bucket: %v", left)
	}
	if tags, err := e.kind.bucketOf(t.Context(), e.c, p); tags != "" || err != nil {
		t.Errorf("the bucket was tagged: %q, %v", tags, err)
	}
	_, err = e.c.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("theirs")})
	e.must(err)
	_, err = topicTags(t.Context(), e.c, *topic.TopicArn)
	e.must(err)
	p.Bucket = "mlops-churn-none"
	e.wantNothing(p)
}

// TestBroughtBucketElsewhere proves that a bucket that cannot be used is refused
// before anything is made.
func TestBroughtBucketElsewhere(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, simulated.Config{})
	e := newEstate(t, account.URL)
	storeroom{t, &store{e.backend, e.c.s3, place{}}}.bucket("eu-central-1", "far")
	for bucket, want := range map[string]string{"far": "is in eu-central-1", "nowhere": "does not exist"} {
		change, err := e.kind.Create(t.Context(), e.spec(func(s *mlops.EnvironmentSpec) { s.Target.Settings[targetBucket] = bucket }))
		refused, ok := errors.AsType[*mlops.Error](err)
		if !ok || refused.Code != mlops.Invalid || refused.Field != "sagemaker.bucket" || !strings.Contains(err.Error(), want) || change.Ref != "" {
			t.Errorf("create in the bucket %s: %+v, %v, want that it %s", bucket, change, err, want)
		}
	}
	if _, err := e.kind.Get(t.Context(), e.id); !e.backend.is(err, mlops.NotFound) {
		t.Errorf("something was made: %v", err)
	}
}

// TestCheapLook proves that a look takes a call for each part that may be gone, and
// an update without a change no more.
func TestCheapLook(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, simulated.Config{})
	e := newEstate(t, account.URL)
	spec := e.spec(full)
	e.bring(spec)
	account.ResetCalls()
	_, err := e.kind.Get(t.Context(), e.id)
	e.must(err)
	want := map[string]int{"ssm.GetParameter": 1, "s3.HEAD": 1, "iam.GetRole": 1, "sns.ListTagsForResource": 1, "budgets.DescribeBudget": 1}
	if d := cmp.Diff(want, account.Calls()); d != "" {
		t.Errorf("calls of a look (-want +got):\n%s", d)
	}
	account.ResetCalls()
	_, err = e.kind.Update(t.Context(), e.id, spec)
	e.must(err)
	if d := cmp.Diff(want, account.Calls()); d != "" {
		t.Errorf("calls of an update without a change (-want +got):\n%s", d)
	}
}

// TestAlertsChange proves that alerts of a budget become what the spec says.
func TestAlertsChange(t *testing.T) {
	t.Parallel()
	e := newEstate(t, awstest.Start(t, simulated.Config{}).URL)
	e.bring(e.spec(full))
	p := e.bring(e.spec(func(s *mlops.EnvironmentSpec) {
		s.Budget = &mlops.Budget{MonthlyUSD: 12, AlertPercents: []int64{90, 50, 90}}
	}))
	who := budgetName(e.id)
	out, err := e.c.budgets.DescribeNotificationsForBudget(t.Context(), &budgets.DescribeNotificationsForBudgetInput{AccountId: &p.Account, BudgetName: &who})
	e.must(err)
	var got []float64
	for _, n := range out.Notifications {
		got = append(got, n.Threshold)
		told, err := e.c.budgets.DescribeSubscribersForNotification(t.Context(), &budgets.DescribeSubscribersForNotificationInput{
			AccountId: &p.Account, BudgetName: &who, Notification: &n,
		})
		e.must(err)
		if len(told.Subscribers) != 1 || *told.Subscribers[0].Address != p.Topic {
			t.Errorf("told at %g: %+v, want the topic", n.Threshold, told.Subscribers)
		}
	}
	slices.Sort(got)
	if want := []float64{50, 90}; !slices.Equal(got, want) {
		t.Errorf("alerts at %v, want %v", got, want)
	}
}

// TestTenantsDespiteLag proves that neither an object that the index of tags does
// not know yet is overlooked, nor one that it still knows is taken for there.
func TestTenantsDespiteLag(t *testing.T) {
	t.Parallel()
	e := newEstate(t, awstest.Start(t, simulated.Config{Lag: 2}).URL)
	e.bring(e.spec(nil))
	for range 3 { // the lag is counted in calls
		model, err := e.backend.Models().Create(t.Context(), mlops.ModelSpec{Environment: e.id, Name: "trees"})
		e.must(err)
		err = e.kind.Delete(t.Context(), e.id)
		if !e.backend.is(err, mlops.Conflict) || !strings.Contains(err.Error(), string(model.Ref)) {
			t.Errorf("delete of an environment with a model: %v", err)
		}
		e.must(e.backend.Models().Delete(t.Context(), model.Ref))
	}
	_, err := e.kind.firstTagged(t.Context(), e.c, mustPlace(e))
	e.must(err)
	e.remove()
}

func mustPlace(e estate) place {
	e.Helper()
	p, err := e.backend.readPlace(e.Context(), e.id)
	e.must(err)
	return p
}
