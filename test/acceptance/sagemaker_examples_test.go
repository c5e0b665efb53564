package acceptance

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// sagemakerExample is the example that is for AWS; the others are for the embedded
// engine as they stand.
const sagemakerExample = "sagemaker"

// TestExamplesSageMaker applies the example for AWS as it is in the repository: dev
// and test, then prod with an approval, another model, and all of it gone again.
func TestExamplesSageMaker(t *testing.T) {
	t.Parallel()
	w := onAWS(t, account(t, simulated.Config{Looks: 1}), "")
	w.CopyConfig(filepath.Join("..", "..", "examples", sagemakerExample), func(string) bool { return false })
	w.CopyTree(modulesRoot, "modules")
	w.Rewrite("main.tf", func(text string) string { return strings.ReplaceAll(text, "../../modules/", "./modules/") })
	w.Init()
	w.Apply()
	w.PlanIsEmpty()
	w.Must("output", "versions").Contains(t, `"test" = "sagemaker/us-east-1/tumor-test/models/tumor/versions/1"`)

	approved := func(args ...string) []string {
		return append(args, "-var", `approval={by="jane@example.com",version="sagemaker/us-east-1/tumor-test/models/tumor/versions/1"}`)
	}
	w.Apply(approved()...)
	w.Must(approved("plan", "-detailed-exitcode")...)
	w.Must("output", "urls").Contains(t, `"prod" = "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/tumor-prod--tumor/invocations"`)

	w.Apply(approved("-var", "trees=200")...)
	w.Must("output", "versions").Contains(t, `"test" = "sagemaker/us-east-1/tumor-test/models/tumor/versions/2"`, `"prod" = "sagemaker/us-east-1/tumor-prod/models/tumor/versions/1"`)

	w.Run(approved("destroy", "-auto-approve")...).Contains(t, "deletion_protection")
	w.Apply(approved("-var", "trees=200", "-var", "protected=false")...)
	w.Must("destroy", "-auto-approve", "-var", "protected=false")
}

// byCommand is the server of a version, an attribute of the resource itself; SageMaker
// runs images.
var byCommand = regexp.MustCompile(`(?m)^  command +=.*$`)

// onSageMaker is an example for the embedded engine, moved as its users would: the
// target's line, and what the plan then names.
func onSageMaker(text string) string {
	text = byCommand.ReplaceAllString(text, `  image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"`)
	return strings.NewReplacer(
		"local = {}", "sagemaker = {}", `"local/`, `"sagemaker/us-east-1/`,
		// Machines do not sleep beside others, and Model Monitor has one statistic, runs
		// by the hour and counts no violations; SNS asks its receivers to confirm.
		`{ min = 0, max = 1, idle_after = "10m" }`, "{ min = 1, max = 1 }",
		`"psi"`, `"ks"`, "*/15 * * * *", "0 * * * *", `, cooldown = "24h", max_per_month = 4`, "",
		"{ webhook_url = var.webhook_url }", `{ emails = ["ml-on-call@example.com"] }`,
	).Replace(text)
}

// notOnSageMaker are examples of what SageMaker has not, with the reason.
func notOnSageMaker() map[string]string {
	return map[string]string{
		"ephemeral-resources/mlops_endpoint_credentials": "requests are signed with AWS credentials, and take no token",
		"quickstart": "examples/sagemaker is the same for SageMaker",
	}
}

// TestExamplesOnSageMaker applies the examples of resources and data sources on
// SageMaker too.
func TestExamplesOnSageMaker(t *testing.T) {
	t.Parallel()
	for name, folder := range exampleFolders(t) {
		if notOnSageMaker()[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tryExample(t, onAWS(t, account(t, simulated.Config{Looks: 1}), ""), folder, onSageMaker)
		})
	}
}
