package aws_test

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func TestParameterLife(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, name := ssm.NewFromConfig(config), sdk.String("/mlops/churn-dev")
	put := func(in ssm.PutParameterInput) *ssm.PutParameterOutput {
		in.Name = name
		return must[*ssm.PutParameterOutput](t)(c.PutParameter(t.Context(), &in))
	}
	get := func(name string, decrypt bool) *types.Parameter {
		return must[*ssm.GetParameterOutput](t)(c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})).Parameter
	}
	made := put(ssm.PutParameterInput{Value: sdk.String("größer"), Type: types.ParameterTypeString, Tier: types.ParameterTierIntelligentTiering, Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}}})
	if made.Version != 1 || made.Tier != types.ParameterTierStandard {
		t.Errorf("made %+v", made)
	}
	long := strings.Repeat("x", 4097)
	if made = put(ssm.PutParameterInput{Value: &long, Tier: types.ParameterTierIntelligentTiering, Overwrite: sdk.Bool(true)}); made.Version != 2 || made.Tier != types.ParameterTierAdvanced {
		t.Errorf("then made %+v", made)
	}
	if p := get(*name, false); *p.Value != long || *p.ARN != "arn:aws:ssm:us-east-1:123456789012:parameter/mlops/churn-dev" || p.Type != types.ParameterTypeString {
		t.Errorf("got %+v", p)
	}
	for _, selected := range []string{*name + ":1", "arn:aws:ssm:us-east-1:123456789012:parameter/mlops/churn-dev:1"} {
		if p := get(selected, false); *p.Value != "größer" || p.Version != 1 {
			t.Errorf("%s is %+v", selected, p)
		}
	}
	tags := func() map[string]string {
		got := map[string]string{}
		for _, tag := range must[*ssm.ListTagsForResourceOutput](t)(c.ListTagsForResource(t.Context(), &ssm.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: name})).TagList {
			got[*tag.Key] = *tag.Value
		}
		return got
	}
	must[*ssm.AddTagsToResourceOutput](t)(c.AddTagsToResource(t.Context(), &ssm.AddTagsToResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: name, Tags: []types.Tag{{Key: sdk.String("b"), Value: sdk.String("2")}}}))
	must[*ssm.RemoveTagsFromResourceOutput](t)(c.RemoveTagsFromResource(t.Context(), &ssm.RemoveTagsFromResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: name, TagKeys: []string{"a"}}))
	if diff := cmp.Diff(map[string]string{"b": "2"}, tags()); diff != "" {
		t.Error(diff)
	}
	must[*ssm.DeleteParameterOutput](t)(c.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: name}))
	_, err := c.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: name})
	wantFault(t, err, "ParameterNotFound", "")

	secret := put(ssm.PutParameterInput{Value: sdk.String("s3cret"), Type: types.ParameterTypeSecureString})
	if p := get(*name, false); secret.Version != 1 || strings.Contains(*p.Value, "s3cret") {
		t.Errorf("a secret in clear: %+v", p)
	}
	if p := get(*name, true); *p.Value != "s3cret" {
		t.Errorf("got %+v", p)
	}
}

func TestParametersByPath(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c := ssm.NewFromConfig(config)
	var want []string
	for i := range 23 {
		name := fmt.Sprintf("/mlops/env-%02d", i)
		want = append(want, name)
		must[*ssm.PutParameterOutput](t)(c.PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Value: sdk.String("v"), Type: types.ParameterTypeString}))
	}
	must[*ssm.PutParameterOutput](t)(c.PutParameter(t.Context(), &ssm.PutParameterInput{Name: sdk.String("/mlops/env-00/deep"), Value: sdk.String("v"), Type: types.ParameterTypeString}))
	list := func(in ssm.GetParametersByPathInput) (names []string, pages int) {
		all := ssm.NewGetParametersByPathPaginator(c, &in)
		for ; all.HasMorePages(); pages++ {
			for _, p := range must[*ssm.GetParametersByPathOutput](t)(all.NextPage(t.Context())).Parameters {
				names = append(names, *p.Name)
			}
		}
		return names, pages
	}
	got, pages := list(ssm.GetParametersByPathInput{Path: sdk.String("/mlops/")})
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	if got, _ := list(ssm.GetParametersByPathInput{Path: sdk.String("/mlops"), Recursive: sdk.Bool(true)}); len(got) != 24 {
		t.Errorf("got %d, want 24", len(got))
	}
	some := must[*ssm.GetParametersOutput](t)(c.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{"/mlops/env-01", "/none"}}))
	if len(some.Parameters) != 1 || !cmp.Equal(some.InvalidParameters, []string{"/none"}) {
		t.Errorf("got %+v", some)
	}
}

func TestParameterRefuses(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c := ssm.NewFromConfig(config)
	put := func(name, value string, change func(*ssm.PutParameterInput)) error {
		in := &ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString}
		if change != nil {
			change(in)
		}
		_, err := c.PutParameter(t.Context(), in)
		return err
	}
	overwrite := func(in *ssm.PutParameterInput) { in.Overwrite = sdk.Bool(true) }
	if err := put("/there", strings.Repeat("x", 4097), func(in *ssm.PutParameterInput) { in.Tier = types.ParameterTierAdvanced }); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, code, words string
		err               error
	}{
		{"a name that is taken", "ParameterAlreadyExists", "overwrite", put("/there", "v", nil)},
		{"tags when overwriting", "ValidationException", "can't be used together", put("/there", "v", func(in *ssm.PutParameterInput) {
			overwrite(in)
			in.Tags = []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}}
		})},
		{"a lower tier", "ValidationException", "can't downgrade", put("/there", "v", func(in *ssm.PutParameterInput) {
			overwrite(in)
			in.Tier = types.ParameterTierStandard
		})},
		{"another type", "HierarchyTypeMismatchException", "", put("/there", "v", func(in *ssm.PutParameterInput) {
			overwrite(in)
			in.Type = types.ParameterTypeSecureString
		})},
		{"no type", "ValidationException", "type is required", put("/new", "v", func(in *ssm.PutParameterInput) { in.Type = "" })},
		{"a value beyond the standard tier", "ValidationException", "4096", put("/new", strings.Repeat("ü", 2049), nil)},
		{"a value beyond the advanced tier", "ValidationException", "8192", put("/new", strings.Repeat("x", 8193), func(in *ssm.PutParameterInput) { in.Tier = types.ParameterTierIntelligentTiering })},
		{"a template in the value", "ValidationException", "nest", put("/new", "x {{params.a}} y", nil)},
		{"a reserved name", "ValidationException", "prefixed", put("/aws/x", "v", nil)},
		{"a name that is not whole", "ValidationException", "fully qualified", put("a/b", "v", nil)},
		{"a name of other letters", "ValidationException", "symbols", put("/größe", "v", nil)},
		{"too many levels", "HierarchyLevelLimitExceededException", "", put(strings.Repeat("/l", 16), "v", nil)},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, tt.err, tt.code, tt.words)
		})
	}
	_, err := c.ListTagsForResource(t.Context(), &ssm.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: sdk.String("/none")})
	wantFault(t, err, "InvalidResourceId", "")
}
