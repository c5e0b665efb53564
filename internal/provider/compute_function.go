package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// compute is the function of that name: the machine that an ask gets on a backend.
type compute struct{ factories []mlops.Factory }

// computed is what it returns.
type computed struct {
	Type        string   `tfsdk:"type"`
	CPU         *float64 `tfsdk:"cpu"`
	Memory      *string  `tfsdk:"memory"`
	USDPerHour  *float64 `tfsdk:"usd_per_hour"`
	USDPerMonth *float64 `tfsdk:"usd_per_month"`
}

// Metadata implements function.Function.
func (compute) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "compute"
}

// Definition implements function.Function.
func (f compute) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Tells which machine an ask gets, and about what it costs",
		MarkdownDescription: "Returns the machine type that an ask for compute resolves to on a backend, as an object with `type`, `cpu` (cores), `memory`, " +
			"`usd_per_hour` and `usd_per_month` (of 730 hours): the cheapest that has all that is asked for. Figures that are not known are null. " +
			"Prices are approximate and without tax, traffic or storage. " + guide(f).prices(),
		Parameters: []function.Parameter{
			function.StringParameter{Name: "backend", MarkdownDescription: "The backend's name, such as `sagemaker`."},
			function.StringParameter{Name: "use", MarkdownDescription: "What the machine is for: `hosting` (endpoints), `processing` (steps of pipelines) or `training`."},
			function.MapParameter{
				Name: "ask", ElementType: types.StringType, AllowNullValue: true,
				MarkdownDescription: "What it must have, as in `compute` of endpoints and steps, any of: `cpu`, `memory`, `accelerator_type`, `accelerator_memory`, `accelerator_count`; " +
					"or `native`, the platform's own type. Empty or null asks for nothing.",
			},
		},
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"type": types.StringType, "cpu": types.Float64Type, "memory": types.StringType,
			"usd_per_hour": types.Float64Type, "usd_per_month": types.Float64Type,
		}},
	}
}

// Run implements function.Function.
func (f compute) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var (
		backend, use string
		asked        map[string]*string
	)
	if resp.Error = req.Arguments.Get(ctx, &backend, &use, &asked); resp.Error != nil {
		return
	}
	all, err := f.catalogue(backend)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	if uses := all.Uses(); !slices.Contains(uses, use) {
		resp.Error = function.NewArgumentFuncError(1, fmt.Sprintf("%q is nothing that %s has machines for; it has them for %s.%s", use, backend, strings.Join(uses, ", "), mlops.DidYouMean(use, uses)))
		return
	}
	ask, err := askOf(asked)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(2, err.Error())
		return
	}
	t, err := all.Resolve(use, ask)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(2, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, computed{
		Type: t.Name, CPU: nullable(t.CPU), Memory: nullableQuantity(t.Memory),
		USDPerHour: nullable(t.USDPerHour), USDPerMonth: nullable(t.USDPerMonth()),
	})
}

// catalogue is that of a backend.
func (f compute) catalogue(backend string) (mlops.Catalogue, error) {
	i := slices.IndexFunc(f.factories, func(f mlops.Factory) bool { return f.Name == backend })
	if i < 0 {
		return mlops.Catalogue{}, unknownBackend(backend, f.factories).Unwrap()
	}
	if f.factories[i].Catalogue == nil {
		return mlops.Catalogue{}, fmt.Errorf("the backend %q has no types of machines: it meets an ask as it is", backend)
	}
	return f.factories[i].Catalogue(), nil
}

// askOf reads an ask from texts. What is null is not asked for.
func askOf(asked map[string]*string) (*mlops.Compute, error) {
	ask, accelerator := mlops.Compute{}, mlops.Accelerator{}
	members := map[string]func(string) error{
		"native":             func(s string) error { ask.Native = s; return nil },
		"cpu":                func(s string) error { return positive(s, &ask.CPU) },
		"memory":             func(s string) (err error) { ask.Memory, err = mlops.ParseQuantity(s); return err },
		"accelerator_type":   func(s string) error { accelerator.Type = s; return nil },
		"accelerator_memory": func(s string) (err error) { accelerator.Memory, err = mlops.ParseQuantity(s); return err },
		"accelerator_count":  func(s string) error { return positive(s, &accelerator.Count) },
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		read, ok := members[name]
		if !ok {
			known := slices.Sorted(maps.Keys(members))
			return nil, fmt.Errorf("an ask has no %q; it has %s.%s", name, strings.Join(known, ", "), mlops.DidYouMean(name, known))
		}
		if asked[name] == nil {
			continue
		}
		if err := read(*asked[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if accelerator != (mlops.Accelerator{}) {
		ask.Accelerator = &accelerator
	}
	return &ask, ask.Err()
}

// positive reads a number above zero.
func positive[T int64 | float64](text string, to *T) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v <= 0 || float64(T(v)) != v {
		return fmt.Errorf("%q is no such number above zero", text)
	}
	*to = T(v)
	return nil
}
