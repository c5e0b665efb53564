package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// machineFactory is a backend as if it had types of machines.
func machineFactory() mlops.Factory {
	f := memoryFactory()
	f.Name = "local"
	f.Catalogue = func() mlops.Catalogue {
		return mlops.Catalogue{
			Default: "m.large", Region: "north", Date: "2026-01", Source: "https://example.com/prices",
			Types: []mlops.MachineType{
				{Name: "m.large", Uses: []string{"hosting", "processing"}, CPU: 2, Memory: 8 << 30, USDPerHour: 0.12},
				{Name: "g.xlarge", Uses: []string{"hosting"}, CPU: 4.5, Memory: 16 << 30, USDPerHour: 1, Accelerator: &mlops.Accelerator{Type: "nvidia-l4", Memory: 24 << 30, Count: 2}},
				{Name: "new.large", Uses: []string{"hosting"}, Explicit: true},
			},
		}
	}
	return f
}

func TestCompute(t *testing.T) {
	t.Parallel()
	type ask = map[string]any // text, or nil for null
	large := obj{"type": "m.large", "cpu": 2, "memory": "8Gi", "usd_per_hour": 0.12, "usd_per_month": 87.6}
	gpu := obj{"type": "g.xlarge", "cpu": 4.5, "memory": "16Gi", "usd_per_hour": 1, "usd_per_month": 730}
	tests := []struct {
		name, backend, use string
		ask                ask // nil is null
		want               obj
		refusal            string // instead
		at                 int64
	}{
		{"null", "local", "hosting", nil, large, "", 0},
		{"empty", "local", "processing", ask{}, large, "", 0},
		{"null members", "local", "hosting", ask{"cpu": nil, "accelerator_type": nil}, large, "", 0},
		{"numbers as Terraform writes them", "local", "hosting", ask{"cpu": "0.5", "memory": "4Gi"}, large, "", 0},
		{"an accelerator", "local", "hosting", ask{"accelerator_type": "nvidia-l4", "accelerator_memory": "24Gi", "accelerator_count": "2"}, gpu, "", 0},
		{"by name, figures unknown", "local", "hosting", ask{"native": "new.large"}, obj{"type": "new.large"}, "", 0},
		{"no backend", "locl", "hosting", nil, nil, `Did you mean "local"?`, 0},
		{"no types", "memory", "hosting", nil, nil, "no types of machines", 0},
		{"no such use", "local", "hosted", nil, nil, `hosting, processing. Did you mean "hosting"?`, 1},
		{"no such member", "local", "hosting", ask{"memry": "4Gi"}, nil, `Did you mean "memory"?`, 2},
		{"no number", "local", "hosting", ask{"cpu": "two"}, nil, `cpu: "two"`, 2},
		{"half an accelerator", "local", "hosting", ask{"accelerator_count": "1.5"}, nil, `accelerator_count: "1.5"`, 2},
		{"no quantity", "local", "hosting", ask{"memory": "4"}, nil, `memory: "4"`, 2},
		{"name and ask", "local", "hosting", ask{"native": "m.large", "cpu": "2"}, nil, "not both", 2},
		{"count alone", "local", "hosting", ask{"accelerator_count": "1"}, nil, "Give the accelerator's type", 2},
		{"too much", "local", "hosting", ask{"cpu": "64"}, nil, "the nearest is m.large", 2},
	}
	server := NewServer("test", []mlops.Factory{memoryFactory(), machineFactory()})
	answer := schemas(t).Functions["compute"].Return.Type
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp, err := server.CallFunction(t.Context(), &tfprotov6.CallFunctionRequest{Name: "compute", Arguments: []*tfprotov6.DynamicValue{
				encoded(t, tftypes.NewValue(tftypes.String, tt.backend)), encoded(t, tftypes.NewValue(tftypes.String, tt.use)), encoded(t, texts(tt.ask)),
			}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.refusal != "" {
				if resp.Error == nil || !strings.Contains(resp.Error.Text, tt.refusal) || *resp.Error.FunctionArgument != tt.at {
					t.Errorf("error is %+v, want %q of argument %d", resp.Error, tt.refusal, tt.at)
				}
				return
			}
			if resp.Error != nil {
				t.Fatal(resp.Error.Text)
			}
			got, err := resp.Result.Unmarshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			if want := value(t, answer, tt.want); !got.Equal(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// texts is a map of texts.
func texts(in map[string]any) tftypes.Value {
	kind := tftypes.Map{ElementType: tftypes.String}
	if in == nil {
		return tftypes.NewValue(kind, nil)
	}
	out := map[string]tftypes.Value{}
	for name, v := range in {
		out[name] = tftypes.NewValue(tftypes.String, v)
	}
	return tftypes.NewValue(kind, out)
}

func TestMachinesAhead(t *testing.T) {
	t.Parallel()
	dev := mlops.EnvironmentID("local", nil, "dev")
	two := int64(2)
	spec := func(env mlops.ID, a *mlops.Compute) mlops.ModelEndpointSpec {
		return mlops.ModelEndpointSpec{Environment: env, Name: "e", Variants: map[string]mlops.Variant{
			"a": {Traffic: 100, Compute: a, Scaling: &mlops.Scaling{Min: &two}}, "b": {Compute: &mlops.Compute{Native: "m.large"}},
		}}
	}
	variant := func(rest ...any) mlops.Path { return mlops.At(append([]any{"variants", mlops.Key("a")}, rest...)...) }
	tests := []struct {
		name    string
		spec    mlops.ModelEndpointSpec
		unknown []mlops.Path
		types   map[string]string // nil is not told
		usd     any               // nil is null
	}{
		{"known", spec(dev, nil), nil, map[string]string{"a": "m.large", "b": "m.large"}, 262.8}, // 3 × 0.12 × 730
		{"a version that is not known yet", spec(dev, nil), []mlops.Path{variant("version")}, map[string]string{"a": "m.large", "b": "m.large"}, 262.8},
		{"no price", spec(dev, &mlops.Compute{Native: "new.large"}), nil, map[string]string{"a": "new.large", "b": "m.large"}, nil},
		{"an ask that is not known yet", spec(dev, nil), []mlops.Path{variant("compute", "cpu")}, nil, nil},
		{"bounds that are not known yet", spec(dev, nil), []mlops.Path{variant("scaling")}, nil, nil},
		{"an ask that nothing meets", spec(dev, &mlops.Compute{CPU: 64}), nil, nil, nil},
		{"an environment that is not known yet", spec("", nil), nil, nil, nil},
		{"a backend without types", spec(mlops.EnvironmentID("memory", nil, "dev"), nil), nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := machinesAhead([]mlops.Factory{memoryFactory(), machineFactory()})(mlops.NewChecker(tt.unknown...), tt.spec)
			if tt.types == nil {
				if len(got) != 0 {
					t.Errorf("got %v, want nothing", got)
				}
				return
			}
			in := map[string]any{}
			for name, v := range tt.types {
				in[name] = v
			}
			if want := texts(in); !got["resolved"].Equal(want) {
				t.Errorf("resolved to %s, want %s", got["resolved"], want)
			}
			if want := tftypes.NewValue(tftypes.Number, tt.usd); !got["monthly_usd"].Equal(want) {
				t.Errorf("costs %s, want %s", got["monthly_usd"], want)
			}
		})
	}
}
