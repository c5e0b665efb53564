package sagemaker

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestGroup proves what SageMaker is told of a model, at first and after a change.
func TestGroup(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	spec := mlops.ModelSpec{Environment: r.environment, Name: "words", Description: "first\n" + strings.Repeat("é", 2000), Labels: map[string]string{"team": "risk", "cost": "7"}}
	r.the(r.Models().Create(t.Context(), spec))
	spec.Description, spec.Labels = "second", map[string]string{"team": "fraud"}
	r.the(r.Models().Update(t.Context(), spec.ID(), spec))

	seen, err := r.Models().Get(t.Context(), spec.ID())
	r.must(err)
	if diff := cmp.Diff(spec, seen.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	s, err := modelKind{r.backend}.scene(t.Context(), spec.ID())
	r.must(err)
	out, err := s.c.sagemaker.DescribeModelPackageGroup(t.Context(), &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: &s.name})
	r.must(err)
	if got := []rune(*out.ModelPackageGroupDescription); len(got) != maxDescription || !strings.HasPrefix(string(got), "first éé") {
		t.Errorf("described by %d characters", len(got))
	}
	tags, err := sagemakerTagsOf(t.Context(), s.c, *out.ModelPackageGroupArn)
	r.must(err)
	want := []string{"managed-by", "mlops:environment", "mlops:id", "mlops:owner", "mlops:record-0", "mlops:revision", "mlops:stage", "team"}
	if got := slices.Sorted(maps.Keys(tags)); !slices.Equal(got, want) || tags["team"] != "fraud" || tags["mlops:environment"] != "churn" {
		t.Errorf("tags %v, want the keys %q", tags, want)
	}
}

// TestForeignGroup proves that a group that something else made is neither taken
// nor listed.
func TestForeignGroup(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	spec := mlops.ModelSpec{Environment: r.environment, Name: "words"}
	group := nativeName(spec.ID(), maxName)
	_, err = c.sagemaker.CreateModelPackageGroup(t.Context(), &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: &group})
	r.must(err)
	_, err = r.Models().Create(t.Context(), spec)
	r.wantCode("create", err, mlops.AlreadyExists, group)
	_, err = r.Models().Get(t.Context(), spec.ID())
	r.wantCode("get", err, mlops.Invalid, group)
	r.wantCode("delete", r.Models().Delete(t.Context(), spec.ID()), mlops.Invalid, group)
	all, err := modelKind{r.backend}.List(t.Context(), r.environment)
	r.must(err)
	if len(all) != 1 || all[0].Ref != r.model {
		t.Errorf("listed are %v", all)
	}
}

// TestRetagInterrupted proves that a record can be read between the writing of a
// shorter one and the removal of what the longer one had more.
func TestRetagInterrupted(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	labels := map[string]string{}
	for i := range 20 {
		labels["l"+shortHash(string(rune('a'+i)))] = shortHash(string(rune('A' + i)))
	}
	spec := mlops.ModelSpec{Environment: r.environment, Name: "words", Labels: labels}
	r.the(r.Models().Create(t.Context(), spec))
	spec.Labels = map[string]string{}
	r.account.Inject(simulated.Rule{Service: "sagemaker", Operation: "DeleteTags", Fault: &simulated.Fault{Code: "AccessDeniedException", Message: "no"}})
	change, err := r.Models().Update(t.Context(), spec.ID(), spec)
	r.wantCode("interrupted", err, mlops.PermissionDenied, "no")
	seen, err := r.Models().Get(t.Context(), spec.ID())
	r.must(err)
	if diff := cmp.Diff(spec, seen.Spec); diff != "" || seen.Revision != change.Revision {
		t.Errorf("at %s, want %s; spec (-want +got):\n%s", seen.Revision, change.Revision, diff)
	}
}

// TestModelGoesWithItsHistory proves that superseded versions go with their model,
// and their bytes too.
func TestModelGoesWithItsHistory(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	first := r.version("one", nil)
	second := r.the(r.ModelVersions().Update(t.Context(), first, r.versionSpec("two", nil))).Ref
	r.wantCode("with a version", r.Models().Delete(t.Context(), r.model), mlops.Conflict, string(second))
	r.must(r.ModelVersions().Delete(t.Context(), second))
	seen, err := r.Models().Get(t.Context(), r.model)
	r.must(err)
	if seen.Status.Latest != first.Name() {
		t.Errorf("the latest is %q", seen.Status.Latest)
	}
	r.must(r.Models().Delete(t.Context(), r.model))
	_, err = r.ModelVersions().Get(t.Context(), first)
	r.wantCode("the history", err, mlops.NotFound, "")
	if left := r.keys("models/"); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// TestLongNames proves that the models of an environment with the longest name are
// found, and no others.
func TestLongNames(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	long := strings.Repeat("n", maxName)
	other := mlops.EnvironmentSpec{ID: mlops.EnvironmentID(name, []string{testRegion}, long), Name: long, Stage: "dev", Target: mlops.Target{Backend: name}}
	r.the(r.Environments().Create(t.Context(), other))
	var want []mlops.ID
	for _, model := range []string{"a", long} {
		want = append(want, r.the(r.Models().Create(t.Context(), mlops.ModelSpec{Environment: other.ID, Name: model})).Ref)
	}
	all, err := modelKind{r.backend}.List(t.Context(), other.ID)
	r.must(err)
	var got []mlops.ID
	for _, m := range all {
		got = append(got, m.Ref)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
}

func TestNativeDescription(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"plain", "a model", "a model"},
		{"control characters", "a\tb\r\nc\x00", "a b  c "},
		{"symbols and accents", "Grüße 🚀 <&\"'\\>", "Grüße 🚀 <&\"'\\>"},
		{"none", "", ""},
	}
	for _, tt := range tests {
		if got := aws.ToString(nativeDescription(tt.text)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
