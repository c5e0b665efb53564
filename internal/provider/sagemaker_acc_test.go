package provider

import (
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
	"github.com/terraform-mlops/terraform-provider-mlops/test/containers"
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
	account.World.SetHooks(aws.Hooks{RunStep: accPlayer().Run})
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

// accPlayer does what the steps of these tests do, which are shell commands: no
// container runs in a simulation.
func accPlayer() containers.Player {
	return containers.Player{
		Constraints: accConstraints,
		Write:       func(aws.StepRun, string) []byte { return []byte(`{"accuracy": 0.9}`) },
		Fail: func(run aws.StepRun) string {
			if strings.Contains(string(containers.Program(run)), `"false"`) {
				return "AlgorithmError: exit status 1"
			}
			return ""
		},
	}
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
