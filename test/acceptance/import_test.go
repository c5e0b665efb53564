package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAccImportGeneratesConfiguration imports a whole stack by ID into an empty
// folder with -generate-config-out; the generated configuration plans empty.
func TestAccImportGeneratesConfiguration(t *testing.T) {
	t.Parallel()
	one := workspace(t, served)
	one.Write("server.py", server("good", ""))
	one.Apply()

	two := one.Beside(t)
	two.Write("main.tf", header+`
import {
  to = mlops_environment.e
  id = "local/acc"
}
import {
  to = mlops_model.m
  id = "local/acc/models/m"
}
import {
  to = mlops_model_endpoint.x
  id = "local/acc/endpoints/x"
}
`)
	two.Init()
	two.Must("plan", "-generate-config-out=generated.tf")
	generated, err := os.ReadFile(filepath.Join(two.Dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	r := two.Apply()
	r.Contains(t, "3 imported, 0 added, 0 changed, 0 destroyed")
	if !strings.Contains(string(generated), "smoke_test") {
		t.Errorf("the generated configuration lacks the smoke test:\n%s", generated)
	}
	two.PlanIsEmpty()
	one.PlanIsEmpty()
}

// TestAccImportOfNothing imports an ID that names nothing.
func TestAccImportOfNothing(t *testing.T) {
	t.Parallel()
	w := workspace(t, environment)
	r := w.Run("import", "mlops_environment.e", "local/nowhere")
	if r.Code == 0 {
		t.Errorf("imported nothing:\n%s", r.Out)
	}
	r.Contains(t, "local/nowhere")
	r = w.Run("import", "mlops_environment.e", "local/nowhere/models/m")
	if r.Code == 0 {
		t.Errorf("imported a model as an environment:\n%s", r.Out)
	}
	r.Contains(t, "ID of an environment")
}
