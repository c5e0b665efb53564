package provider

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/sagemaker"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// accAWS keeps the SDK from the machine's own account.
func accAWS() error {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// forever is more looks than a test takes.
const forever = 1 << 30

// sagemakerWorld is a simulated AWS account, which holds every request to AWS's
// published models.
func sagemakerWorld(t *testing.T) world {
	t.Helper()
	account := awstest.Start(t, aws.Config{Looks: 1})
	account.World.SetHooks(aws.Hooks{RunStep: accStep})
	account.World.SetQuota("ml.g5.xlarge for endpoint usage", 1) // which new accounts have none of
	var resume func()
	settings := mlops.Settings{"region": "us-east-1", "endpoint_url": account.URL}
	return world{
		backend:   "sagemaker",
		scope:     "us-east-1/",
		factories: []mlops.Factory{sagemaker.Factory()},
		provider:  fmt.Sprintf("provider \"mlops\" {\n  owner = \"acc\"\n  sagemaker = { region = \"us-east-1\", endpoint_url = %q }\n}\n", account.URL),
		folder:    t.TempDir(),
		beyond: map[mlops.Noun]string{
			mlops.NounPipeline:      `image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/steps:1", retry = { attempts = 2 }`,
			mlops.NounModelEndpoint: `access = "token"`,
		},
		rewrite:   serveByImage,
		changed:   `{ network_isolation = true }`,
		elsewhere: `{ region = "eu-west-1" }`,
		remove: func(id mlops.ID) error {
			b, err := sagemaker.Factory().Open(t.Context(), mlops.Options{Settings: settings, Owner: "acc", Version: accProviderVersion})
			if err != nil {
				return err
			}
			return removeAny(b, id)
		},
		left:  func() ([]string, error) { return account.World.Names(), nil },
		spoil: func(uri string) error { return account.World.Spoil(uri) },
		// An account that stands still accepts nothing, so that nothing is there.
		freeze: func(config string) stuck {
			return stuck{
				config: config, repair: plancheck.ResourceActionCreate,
				begin: func() error { resume = account.Pause(); return nil },
				end:   func() { resume() },
			}
		},
		endure: func(config string) stuck {
			return stuck{
				config: config, repair: plancheck.ResourceActionReplace,
				begin: func() error { account.World.SetLooks(forever); return nil },
				end:   func() { account.World.SetLooks(1) },
			}
		},
	}
}

// byCommand is a version that is served by a command, which SageMaker has no
// place for.
var byCommand = regexp.MustCompile(`(?s)(resource "mlops_model_version" "[a-z_]+" \{[^}]*?)command\s*=\s*\[[^\n]*\]`)

// upTimes are when an endpoint serves; on SageMaker it always does.
var upTimes = regexp.MustCompile(`  schedule = \{ up = [^\n]*\n`)

// serveByImage serves versions by an image, as SageMaker does, keeps variants
// awake, and rolls out within its limits.
func serveByImage(config string) string {
	config = byCommand.ReplaceAllString(config, `${1}image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"`)
	config = upTimes.ReplaceAllString(config, "")
	config = strings.NewReplacer("steps         = [5, 50]", "steps         = [5]", `, wait = "5m"`, "", `bake          = "90m"`, `bake          = "50m"`).Replace(config)
	return strings.ReplaceAll(config, `{ min = 0, max = 4, target = { concurrency = 8 }, idle_after = "5m" }`, `{ min = 1, max = 4, target = { concurrency = 8 } }`)
}

// accStep does what the steps of these tests do, which are shell commands: no
// container runs in a simulation.
func accStep(run aws.StepRun) (outputs map[string][]byte, failure string) {
	for _, files := range run.Inputs {
		if step := string(files["step.json"]); strings.Contains(step, `"false"`) {
			return nil, "AlgorithmError: exit status 1"
		}
	}
	if run.Kind == "Training" {
		return accTrained(run)
	}
	config, _ := run.Arguments["ProcessingOutputConfig"].(map[string]any)
	declared, _ := config["Outputs"].([]any)
	outputs = map[string][]byte{
		"monitoring_output/constraints.json": []byte(accConstraints), "monitoring_output/statistics.json": []byte("{}"), // of a baseline
	}
	for _, o := range declared {
		if output, ok := o.(map[string]any); ok && output["OutputName"] != "monitoring_output" {
			name := fmt.Sprint(output["OutputName"])
			outputs[name+"/"+name] = []byte(`{"accuracy": 0.9}`)
		}
	}
	return outputs, ""
}

// accTrained is what a step on spot capacity leaves in its artifact. Its capacity is
// taken away once, when it has written a checkpoint.
func accTrained(run aws.StepRun) (outputs map[string][]byte, failure string) {
	if run.Interruptions == 0 {
		run.Checkpoints["epoch"] = []byte("1")
		return nil, aws.Interruption
	}
	if string(run.Checkpoints["epoch"]) != "1" {
		return nil, "AlgorithmError: the checkpoint is lost"
	}
	var step struct {
		Outputs []string `json:"outputs"`
	}
	if err := json.Unmarshal(run.Inputs["mlops-code"]["step.json"], &step); err != nil {
		return nil, "AlgorithmError: " + err.Error()
	}
	outputs = map[string][]byte{}
	for _, o := range step.Outputs {
		outputs["model/"+o+"/data/"+o] = []byte(`{"accuracy": 0.9}`)
	}
	return outputs, ""
}

// accConstraints is what the analyzer suggests of customers.csv, in the form that
// its documentation publishes.
const accConstraints = `{"version": 0.0, "features": [
  {"name": "age", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}},
  {"name": "country", "inferred_type": "String", "completeness": 1.0},
  {"name": "spent", "inferred_type": "Fractional", "completeness": 1.0},
  {"name": "prediction", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}}
], "monitoring_config": {}}`

// removeAny deletes an object of any noun, and returns when it is gone.
func removeAny(b mlops.Backend, id mlops.ID) error {
	p, err := id.Parse()
	if err != nil {
		return err
	}
	removers := map[mlops.Noun]func() error{
		mlops.NounEnvironment:   func() error { return removeBy(b.Environments(), b.Code, id) },
		mlops.NounExperiment:    func() error { return removeBy(b.Experiments(), b.Code, id) },
		mlops.NounDataset:       func() error { return removeBy(b.Datasets(), b.Code, id) },
		mlops.NounPipeline:      func() error { return removeBy(b.Pipelines(), b.Code, id) },
		mlops.NounPipelineRun:   func() error { return removeBy(b.PipelineRuns(), b.Code, id) },
		mlops.NounModel:         func() error { return removeBy(b.Models(), b.Code, id) },
		mlops.NounModelVersion:  func() error { return removeBy(b.ModelVersions(), b.Code, id) },
		mlops.NounModelEndpoint: func() error { return removeBy(b.ModelEndpoints(), b.Code, id) },
		mlops.NounMonitor:       func() error { return removeBy(b.Monitors(), b.Code, id) },
	}
	if !slices.Contains(mlops.Nouns(), p.Noun) {
		return fmt.Errorf("nothing is known of %s", id)
	}
	return removers[p.Noun]()
}
