package sagemaker

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// walled is an environment with a network and a key of its own.
func walled() place {
	return place{
		Account: "123456789012", Bucket: "bench", Prefix: "team/", Role: "arn:aws:iam::123456789012:role/mlops/bench",
		Key:     "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
		Subnets: []string{"subnet-0a"}, Groups: []string{"sg-0a"},
		spec: mlops.EnvironmentSpec{Name: "bench", Retention: &mlops.Retention{Runs: mlops.Duration(10 * 24 * time.Hour)}},
	}
}

// compiled is a pipeline in SageMaker's words, with its files.
func compiled(t *testing.T, spec mlops.PipelineSpec, p place, track string) (string, map[string][]byte) {
	t.Helper()
	graph, err := spec.Graph()
	if err != nil {
		t.Fatal(err)
	}
	c := &compiler{place: p, spec: spec, graph: graph, image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/" + sklearnImage, tags: map[string]string{"team": "churn"}, track: track}
	definition, err := c.compile()
	if err != nil {
		t.Fatal(err)
	}
	return definition, c.files
}

// TestDefinition compares a definition with a file, and has it taken by a service
// that holds every step to the request that it becomes. UPDATE_GOLDEN=1 writes the
// file.
func TestDefinition(t *testing.T) {
	t.Parallel()
	spec := training("sagemaker/us-east-1/bench")
	fit := spec.Steps["fit"]
	fit.Retry, fit.Timeout = &mlops.Retry{Attempts: 3, Backoff: mlops.Duration(10 * time.Second)}, mlops.Duration(30*time.Minute)
	fit.Compute = &mlops.Compute{Native: "ml.g5.xlarge", Disk: 50<<30 + 1}
	spec.Steps["fit"] = fit
	judge := spec.Steps["judge"]
	judge.NoCache, judge.After = true, []string{"prepare"}
	spec.Steps["judge"] = judge
	text, _ := compiled(t, spec, walled(), "bench--churn")
	wantDefinition(t, text, "definition.json")
}

// wantDefinition compares a definition with a file, and has it taken.
func wantDefinition(t *testing.T, text, base string) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", base)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
	account := awstest.Start(t, simulated.Config{})
	c, err := openAt(t, account.URL, "us").connect(t.Context(), testRegion)
	if err != nil {
		t.Fatal(err)
	}
	role := walled().Role
	if _, err := c.sagemaker.CreatePipeline(t.Context(), &sagemaker.CreatePipelineInput{
		PipelineName: sdk.String("taken"), PipelineDefinition: &text, RoleArn: &role, ClientRequestToken: sdk.String(strings.Repeat("t", 32)),
	}); err != nil {
		t.Error(err)
	}
}

// TestCodeIsNamedByContent proves that what a step runs is never overwritten, and
// stays where it is while it is the same.
func TestCodeIsNamedByContent(t *testing.T) {
	t.Parallel()
	spec := training("sagemaker/us-east-1/bench")
	_, before := compiled(t, spec, walled(), "")
	prepare := spec.Steps["prepare"]
	prepare.Script += "# other\n"
	spec.Steps["prepare"] = prepare
	_, after := compiled(t, spec, walled(), "")
	for key := range before {
		_, kept := after[key]
		if changed := strings.HasPrefix(key, "code/train/prepare-"); kept == changed {
			t.Errorf("%s: kept is %t", key, kept)
		}
	}
	if len(before) != len(after) {
		t.Errorf("%d files became %d", len(before), len(after))
	}
}

func TestStepImage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, region, partition, want string
	}{
		{"commercial", "eu-west-1", "aws", "141502667606.dkr.ecr.eu-west-1.amazonaws.com/" + sklearnImage},
		{"China", "cn-north-1", "aws-cn", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/" + sklearnImage},
		{"government", "us-gov-west-1", "aws-us-gov", "414596584902.dkr.ecr.us-gov-west-1.amazonaws.com/" + sklearnImage},
		{"elsewhere", "mx-central-1", "aws", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := (&clients{region: tt.region, partition: tt.partition}).stepImage()
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("stepImage() = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestLongestRun(t *testing.T) {
	t.Parallel()
	minute := mlops.Duration(time.Minute)
	for _, tt := range []struct {
		name string
		step mlops.Step
		want time.Duration
	}{
		{"no timeout", mlops.Step{}, 24 * time.Hour},
		{"no timeout, repeated", mlops.Step{Retry: &mlops.Retry{Attempts: 3}}, 24 * time.Hour},
		{"one attempt", mlops.Step{Timeout: minute}, 16 * time.Minute},
		{"three attempts and their pauses", mlops.Step{Timeout: minute, Retry: &mlops.Retry{Attempts: 3, Backoff: minute}}, (3 + 1 + 2 + 15) * time.Minute},
		{"more than there is", mlops.Step{Timeout: minute, Retry: &mlops.Retry{Attempts: 1 << 40, Backoff: minute}}, 5 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := time.Duration(longestRun(tt.step)) * time.Second; got != tt.want {
				t.Errorf("longestRun() = %s, want %s", got, tt.want)
			}
		})
	}
}

// TestOwnDisks holds types to what AWS lists as having disks of their own ("Instance
// store volumes").
func TestOwnDisks(t *testing.T) {
	t.Parallel()
	for family, want := range map[string]bool{
		"g4dn": true, "g5": true, "g6": true, "g6e": true, "p3dn": true, "p4d": true, "p4de": true, "p5": true, "trn1": true, "trn1n": true,
		"c5d": true, "m5d": true, "r5d": true, "c6gd": true, "m5": false, "c5": false, "c6gn": false, "r6i": false, "p3": false, "inf2": false, "t3": false,
	} {
		if got := ownDisks.MatchString("ml." + family + ".xlarge"); got != want {
			t.Errorf("%s has disks of its own: %t, want %t", family, got, want)
		}
	}
}

// TestPipelinePreflight proves that what SageMaker refuses later, or takes for
// something else, is refused at plan with its path.
func TestPipelinePreflight(t *testing.T) {
	t.Parallel()
	many := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m["i"+strings.Repeat("x", i)] = "s3://bench/data"
		}
		return m
	}
	step := func(s mlops.Step) mlops.PipelineSpec {
		return mlops.PipelineSpec{Environment: "sagemaker/us-east-1/bench", Name: "p", Steps: map[string]mlops.Step{"s": s}}
	}
	image := func(s mlops.Step) mlops.PipelineSpec {
		s.Image = userImage
		return step(s)
	}
	day := mlops.Duration(24 * time.Hour)
	for _, tt := range []struct {
		name string
		spec mlops.PipelineSpec
		want string // path; empty for nothing
	}{
		{"fine", training("sagemaker/us-east-1/bench"), ""},
		{"both kinds of days", mlops.PipelineSpec{Schedule: &mlops.Schedule{Cron: "0 0 13 * 5"}}, "schedule.cron"},
		{"an empty default in an image", func() mlops.PipelineSpec {
			s := image(mlops.Step{Command: []string{"echo", "{{params.x}}"}})
			s.Parameters = map[string]mlops.Parameter{"x": {Type: "string", Default: new("")}}
			return s
		}(), `parameters["x"].default`},
		{"no JSON", mlops.PipelineSpec{Definition: "{"}, "definition"},
		{"another version", mlops.PipelineSpec{Definition: `{"Version": "2019-01-01", "Steps": [{}]}`}, "definition"},
		{"no steps", mlops.PipelineSpec{Definition: `{"Version": "2020-12-01", "Steps": []}`}, "definition"},
		{"a definition", mlops.PipelineSpec{Definition: testDefinition}, ""},
		{"attempts without our program", image(mlops.Step{Command: []string{"true"}, Retry: &mlops.Retry{Attempts: 2}}), `steps["s"].retry`},
		{"attempts with it", image(mlops.Step{Script: "pass", Retry: &mlops.Retry{Attempts: 2}}), ""},
		{"a long argument", image(mlops.Step{Command: []string{"sh", strings.Repeat("x", 257)}}), `steps["s"].command[1]`},
		{"a long argument to our program", step(mlops.Step{Command: []string{"sh", strings.Repeat("x", 257)}}), ""},
		{"a long value", image(mlops.Step{Command: []string{"true"}, Env: map[string]string{"X": strings.Repeat("x", 257)}}), `steps["s"].env["X"]`},
		{"a name with a dot", image(mlops.Step{Command: []string{"true"}, Env: map[string]string{"X.Y": "x"}}), `steps["s"].env["X.Y"]`},
		{"many inputs", step(mlops.Step{Script: "pass", Inputs: many(10)}), `steps["s"].inputs`},
		{"many outputs", step(mlops.Step{Script: "pass", Outputs: make([]string, 11)}), `steps["s"].outputs`},
		{"a large disk", step(mlops.Step{Script: "pass", Compute: &mlops.Compute{Disk: 17 << 40}}), `steps["s"].compute.disk`},
		{"a week", step(mlops.Step{Script: "pass", Timeout: 7 * day}), `steps["s"].timeout`},
		{"a week of attempts", step(mlops.Step{Script: "pass", Timeout: day, Retry: &mlops.Retry{Attempts: 7}}), `steps["s"].timeout`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			checkPipeline(c, tt.spec)
			err := c.Err()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("checkPipeline() = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestIsolationNeedsNoPackages(t *testing.T) {
	t.Parallel()
	spec := mlops.PipelineSpec{Steps: map[string]mlops.Step{"s": {Script: "pass", Packages: []string{"pandas"}}}}
	for _, isolated := range []bool{false, true} {
		c := mlops.NewChecker()
		checkIsolation(c, spec, place{Isolated: isolated})
		if got := c.Err() != nil; got != isolated {
			t.Errorf("isolated %t: %v", isolated, c.Err())
		}
	}
}

// TestNativeDefault proves that a default is JSON of its parameter's type, however it is
// written.
func TestNativeDefault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, kind, text, want string }{
		{"an integer", "integer", "5", "5"},
		{"with a sign", "integer", "+5", "5"},
		{"below zero", "integer", "-5", "-5"},
		{"with zeros before it", "integer", "007", "7"},
		{"more than a float holds", "integer", "9007199254740993", "9007199254740993"},
		{"a number", "number", "0.10", "0.1"},
		{"without a zero", "number", ".5", "0.5"},
		{"without decimals", "number", "5.", "5"},
		{"with a sign and an exponent", "number", "+1E-9", "1e-9"},
		{"of base 16", "number", "0x10p0", "16"},
		{"a boolean", "boolean", "true", "true"},
		{"a text", "string", "+5", `"+5"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(nativeDefault(mlops.Parameter{Type: tt.kind, Default: &tt.text}))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
