package acceptance

import (
	"os"
	"path/filepath"
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
	folder := filepath.Join("..", "..", "examples", sagemakerExample)
	w := onAWS(t, account(t, simulated.Config{Looks: 1}), "")
	w.CopyConfig(folder, func(string) bool { return false })
	w.CopyTree(modulesRoot, "modules")
	main, err := os.ReadFile(filepath.Join(folder, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	w.Write("main.tf", strings.ReplaceAll(string(main), "../../modules/", "./modules/"))
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
