package sagemaker

import (
	"encoding/json"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// publishedUses are what AWS's published model offers types for, by name.
func publishedUses(t *testing.T) map[string][]string {
	t.Helper()
	models, err := aws.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(models, "sagemaker/2017-07-24/api-2.json")
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Shapes map[string]struct {
			Enum []string `json:"enum"`
		} `json:"shapes"`
	}
	if err := json.Unmarshal(text, &model); err != nil {
		t.Fatal(err)
	}
	uses := map[string][]string{}
	for _, u := range []struct{ use, shape string }{
		{mlops.UseHosting, "ProductionVariantInstanceType"}, {mlops.UseProcessing, "ProcessingInstanceType"}, {mlops.UseTraining, "TrainingInstanceType"},
	} {
		if len(model.Shapes[u.shape].Enum) == 0 {
			t.Fatalf("the model has no %s", u.shape)
		}
		for _, name := range model.Shapes[u.shape].Enum {
			uses[name] = append(uses[name], u.use)
		}
	}
	return uses
}

// sdkUses are what the SDK's enums offer types for, by name. The SDK is newer than
// the published model.
func sdkUses() map[string][]string {
	uses := map[string][]string{}
	for _, v := range types.ProductionVariantInstanceType("").Values() {
		uses[string(v)] = append(uses[string(v)], mlops.UseHosting)
	}
	for _, v := range types.ProcessingInstanceType("").Values() {
		uses[string(v)] = append(uses[string(v)], mlops.UseProcessing)
	}
	for _, v := range types.TrainingInstanceType("").Values() {
		uses[string(v)] = append(uses[string(v)], mlops.UseTraining)
	}
	return uses
}

// listed are the types of the file, without those that can only be named.
func listed(t *testing.T) []mlops.MachineType {
	t.Helper()
	c, err := machines()
	if err != nil {
		t.Fatal(err)
	}
	n := strings.Count(string(machinesCSV), "\nml.")
	if n < 150 || c.Types[n-1].Name != "ml.trn1n.32xlarge" {
		t.Fatalf("%d lines, the last of which was read as %s", n, c.Types[n-1].Name)
	}
	return c.Types[:n]
}

func TestMachinesAreOfferedForWhatTheModelSays(t *testing.T) {
	t.Parallel()
	published, sdk := publishedUses(t), sdkUses()
	seen := map[string]bool{}
	for _, m := range listed(t) {
		if seen[m.Name] {
			t.Errorf("%s is listed twice", m.Name)
		}
		seen[m.Name] = true
		want, known := published[m.Name]
		if !known {
			want = sdk[m.Name]
		}
		if !slices.Equal(m.Uses, want) {
			t.Errorf("%s is listed for %v; AWS offers it for %v", m.Name, m.Uses, want)
		}
	}
	for name, uses := range sdk {
		for _, use := range uses {
			if got, err := resolveType(use, &mlops.Compute{Native: name}); err != nil || got != name {
				t.Errorf("%s for %s is %q, %v; AWS has it", name, use, got, err)
			}
		}
	}
}

func TestMachinesAreComplete(t *testing.T) {
	t.Parallel()
	for _, m := range listed(t) {
		if m.CPU == 0 || m.Memory == 0 || m.USDPerHour == 0 {
			t.Errorf("%s lacks a figure: %+v", m.Name, m)
		}
		if perCPU := float64(m.Memory>>30) / m.CPU; perCPU < 1.4 || perCPU > 17 {
			t.Errorf("%s has %g GiB for each CPU", m.Name, perCPU)
		}
		if a := m.Accelerator; a != nil && (a.Type == "" || a.Memory == 0 || a.Count == 0) {
			t.Errorf("%s has an incomplete accelerator: %+v", m.Name, *a)
		}
	}
}

// TestMachinesCostWhatIsPublished holds figures of the list to prices that AWS
// published in US dollars for us-east-1, to the cent.
func TestMachinesCostWhatIsPublished(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]float64{
		"ml.t2.medium": 0.056, "ml.m5.large": 0.115, "ml.m5.xlarge": 0.23, "ml.c5.xlarge": 0.204, "ml.c5.9xlarge": 1.836,
		"ml.g4dn.xlarge": 0.736, "ml.g4dn.12xlarge": 4.89, "ml.g5.xlarge": 1.408, "ml.g5.12xlarge": 7.09, "ml.g5.48xlarge": 20.36,
		"ml.g6.xlarge": 1.127, "ml.g6.48xlarge": 16.688, "ml.g6e.2xlarge": 2.80, "ml.g6e.48xlarge": 37.66,
		"ml.p3.2xlarge": 3.825, "ml.p3.16xlarge": 28.152, "ml.p4d.24xlarge": 25.251, "ml.p5.48xlarge": 63.296,
		"ml.inf2.xlarge": 0.99, "ml.inf2.48xlarge": 15.58,
	} {
		m, ok := catalogue().Lookup(mlops.UseHosting, name)
		if !ok || math.Abs(m.USDPerHour-want) > 0.01 {
			t.Errorf("%s costs %g, want %g", name, m.USDPerHour, want)
		}
	}
}

func TestResolveType(t *testing.T) {
	t.Parallel()
	gpu := func(kind string) *mlops.Compute { return &mlops.Compute{Accelerator: &mlops.Accelerator{Type: kind}} }
	const gib = 1 << 30
	tests := []struct {
		name, use     string
		ask           *mlops.Compute
		want, refusal string
	}{
		{"nothing asked, hosting", mlops.UseHosting, nil, "ml.m5.large", ""},
		{"nothing asked, processing", mlops.UseProcessing, &mlops.Compute{Disk: 50 * gib}, "ml.m5.large", ""},
		{"nothing asked, training", mlops.UseTraining, &mlops.Compute{}, "ml.m5.large", ""},
		{"half a core", mlops.UseHosting, &mlops.Compute{CPU: 0.5}, "ml.c5.large", ""},
		{"half a core, processing", mlops.UseProcessing, &mlops.Compute{CPU: 0.5}, "ml.m5.large", ""},
		{"4 cores and 16Gi", mlops.UseHosting, &mlops.Compute{CPU: 4, Memory: 16 * gib}, "ml.m5.xlarge", ""},
		{"much memory", mlops.UseProcessing, &mlops.Compute{Memory: 100 * gib}, "ml.r5.4xlarge", ""},
		{"T4", mlops.UseProcessing, gpu("nvidia-t4"), "ml.g4dn.xlarge", ""},
		{"A10G", mlops.UseHosting, gpu("nvidia-a10g"), "ml.g5.xlarge", ""},
		{"L4", mlops.UseHosting, gpu("nvidia-l4"), "ml.g6.xlarge", ""},
		{"L4, processing, which few regions have", mlops.UseProcessing, gpu("nvidia-l4"), "ml.g6.xlarge", ""},
		{"L40S", mlops.UseHosting, gpu("nvidia-l40s"), "ml.g6e.xlarge", ""},
		{"V100", mlops.UseHosting, gpu("nvidia-v100"), "ml.p3.2xlarge", ""},
		{"A100", mlops.UseHosting, gpu("nvidia-a100"), "ml.p4d.24xlarge", ""},
		{"A100 of 80Gi", mlops.UseHosting, &mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-a100", Memory: 80 * gib}}, "ml.p4de.24xlarge", ""},
		{"H100", mlops.UseHosting, &mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-h100", Count: 8}}, "ml.p5.48xlarge", ""},
		{"Inferentia", mlops.UseHosting, gpu("aws-inferentia2"), "ml.inf2.xlarge", ""},
		{"Trainium", mlops.UseTraining, gpu("aws-trainium"), "ml.trn1.2xlarge", ""},
		{"16Gi of any GPU", mlops.UseProcessing, &mlops.Compute{Accelerator: &mlops.Accelerator{Memory: 16 * gib, Count: 1}}, "ml.g4dn.xlarge", ""},
		{"several GPUs", mlops.UseHosting, &mlops.Compute{Accelerator: &mlops.Accelerator{Memory: 24 * gib, Count: 3}}, "ml.g6.12xlarge", ""},
		{"Graviton, by name", mlops.UseHosting, &mlops.Compute{Native: "ml.m6g.large"}, "ml.m6g.large", ""},
		{"not for this use", mlops.UseProcessing, &mlops.Compute{Native: "ml.t2.medium"}, "", "only for hosting"},
		{"misspelt", mlops.UseHosting, &mlops.Compute{Native: "ml.m5.larg"}, "", `Did you mean "ml.m5.large"?`},
		{"no prefix", mlops.UseHosting, &mlops.Compute{Native: "m5.large"}, "", `Did you mean "ml.m5.large"?`},
		{"too much", mlops.UseHosting, &mlops.Compute{Memory: 4096 * gib}, "", "the nearest is ml.r7i.48xlarge"},
		{"no such accelerator", mlops.UseHosting, gpu("nvidia-h10"), "", `Did you mean "nvidia-h100"?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := resolveType(tt.use, tt.ask)
			if tt.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refusal) {
					t.Errorf("got %s, error %v, want %q", got, err, tt.refusal)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestReadCatalogueRefuses(t *testing.T) {
	t.Parallel()
	const header = "name,uses,cpu,gib,accelerator,accelerator_gib,accelerators,usd,explicit\n"
	for name, text := range map[string]string{
		"nothing": "", "no number": header + "ml.m5.large,h,two,8,,,,0.1,\n", "negative": header + "ml.m5.large,h,2,-8,,,,0.1,\n", "too few cells": header + "ml.m5.large,h\n",
	} {
		if _, err := readCatalogue([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
