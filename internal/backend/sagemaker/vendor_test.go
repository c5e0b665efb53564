package sagemaker

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// vendorFact is a member of a sample that AWS publishes. The tests write the samples
// as specs of ours, and compare what AWS then has, member by member.
type vendorFact struct {
	member string // "ProductionVariants[0].InstanceType"
	theirs string // the sample's value; it begins with toFill where users fill it in
	at     string // our member, where what the sample says stands elsewhere
	ours   string // a pattern of our value; "" where it is the sample's
	why    string // it differs
}

const (
	toFill = "<YOUR" // with it begin the places that a sample leaves open
	absent = "absent"
)

// wantFacts compares what AWS has with a sample. Every difference has to be listed
// with its reason, and to be one.
func wantFacts(t *testing.T, got any, facts []vendorFact) {
	t.Helper()
	members := flat(t, got)
	for _, f := range facts {
		member := f.member
		if f.at != "" {
			member = f.at
		}
		value, ok := members[member]
		if !ok {
			value = absent
		}
		differs, filled := f.at != "" || f.ours != "", strings.HasPrefix(f.theirs, toFill)
		switch {
		case f.ours == "" && value != f.theirs:
			t.Errorf("%s is %s, and %s in the sample", member, value, f.theirs)
		case f.ours != "" && !regexp.MustCompile("^(?:"+f.ours+")$").MatchString(value):
			t.Errorf("%s is %s, want %s", member, value, f.ours)
		case differs && f.at == "" && value == f.theirs:
			t.Errorf("%s is as in the sample, and listed as a difference", member)
		case differs != (f.why != "") && !filled:
			t.Errorf("%s: a difference needs a reason, and nothing else does", member)
		}
	}
}

// flat lists the members of a request or an answer that have a value. A text is one
// in JSON.
func flat(t *testing.T, v any) map[string]string {
	t.Helper()
	text, ok := v.(string)
	if !ok {
		text = jsonText(v)
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	flatten(out, "", value)
	return out
}

func flatten(out map[string]string, at string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for name, member := range v {
			flatten(out, strings.TrimPrefix(at+"."+name, "."), member)
		}
	case []any:
		for i, element := range v {
			flatten(out, at+"["+strconv.Itoa(i)+"]", element)
		}
	default:
		if text := fmt.Sprint(v); text != "" {
			out[at] = text
		}
	}
}

// vendorRegion is where the images of the samples are.
const vendorRegion = "us-west-2"

// newVendor is an environment in the region of the samples.
func newVendor(t *testing.T, region string) registry {
	t.Helper()
	account := awstest.Start(t, simulated.Config{})
	account.World.SetHooks(simulated.Hooks{RunStep: runStep})
	r := registry{T: t, backend: openAt(t, account.URL, "us"), account: account}
	r.environment = mlops.EnvironmentID(name, []string{region}, "vendor")
	made(t, r.Environments(), mlops.EnvironmentSpec{ID: r.environment, Name: "vendor", Stage: "dev", Target: mlops.Target{Backend: name}})
	return r
}

// vendorImage is the image of the samples that serve.
const vendorImage = "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1"

// served is an endpoint as the samples have it, with its version and its model.
func (r registry) served() (model, version, endpoint map[string]string) {
	r.Helper()
	file := filepath.Join(r.TempDir(), "model.tar.gz")
	r.must(os.WriteFile(file, []byte("bytes"), 0o600))
	group := made(r.T, r.Models(), mlops.ModelSpec{Environment: r.environment, Name: "vendor", Description: "Description for model package group"})
	pack := made(r.T, r.ModelVersions(), mlops.ModelVersionSpec{
		Model: group.Ref, ArtifactURI: file, Format: "custom", Image: vendorImage, Description: "Description for model package", Approval: "approved",
	})
	live := made(r.T, r.ModelEndpoints(), mlops.ModelEndpointSpec{
		Environment: r.environment, Name: "vendor", Capture: &mlops.Capture{SamplePercent: 100},
		Variants: map[string]mlops.Variant{"all-traffic": {
			Version: pack.Ref, Traffic: 100, Compute: &mlops.Compute{Native: "ml.c5.large"},
			Env: map[string]string{"my_var": "my_value", "my_var2": "my_value2"},
		}},
	})
	return group.Native, pack.Native, live.Native
}
