package provider

import (
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// unknown stands for a value that is not known yet.
type unknown struct{}

// obj is an object or a map in a test's configuration.
type obj = map[string]any

// core plays Terraform's part towards a server in this process, for what needs
// no command line.
type core struct {
	server tfprotov6.ProviderServer
	types  map[string]tftypes.Object // of resources
}

func newCore(t *testing.T, factories ...mlops.Factory) core {
	t.Helper()
	if factories == nil {
		factories = []mlops.Factory{memory.Factory()}
	}
	c := core{server: NewServer("test", factories), types: map[string]tftypes.Object{}}
	schemas, err := c.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantNoDiagnostics(t, schemas.Diagnostics)
	for name, s := range schemas.ResourceSchemas {
		c.types[name], _ = s.ValueType().(tftypes.Object)
	}
	return c
}

func (c core) configure(t *testing.T, config obj) []*tfprotov6.Diagnostic {
	t.Helper()
	schemas, err := c.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: dynamic(t, schemas.Provider.ValueType(), config)})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

func (c core) validateProvider(t *testing.T, config obj) []*tfprotov6.Diagnostic {
	t.Helper()
	schemas, err := c.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.server.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: dynamic(t, schemas.Provider.ValueType(), config)})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

func (c core) validate(t *testing.T, resource string, config obj) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, _ := c.validated(t, resource, config)
	return resp
}

// validated also tells whether the answer is the short cut's. Where it is, the
// framework's must be the same.
func (c core) validated(t *testing.T, resource string, config obj) (diagnostics []*tfprotov6.Diagnostic, short bool) {
	t.Helper()
	q := &tfprotov6.ValidateResourceConfigRequest{
		TypeName: resource, Config: dynamic(t, c.types[resource], config),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	}
	resp, err := c.server.ValidateResourceConfig(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if s, slim := c.server.(slimServer); slim && s.calms[resource].valid(t.Context(), q) {
		whole, err := s.wholeServer.ValidateResourceConfig(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		wantNoDiagnostics(t, whole.Diagnostics)
		if d, ok := s.calms[resource].(decoder); ok {
			d.decodesAlike(t, q.Config)
		}
		return resp.Diagnostics, true
	}
	return resp.Diagnostics, false
}

// plan plans a change from a prior state; nil is none, for either.
func (c core) plan(t *testing.T, resource string, prior *tfprotov6.DynamicValue, config obj, private []byte) *tfprotov6.PlanResourceChangeResponse {
	t.Helper()
	kind := c.types[resource]
	if prior == nil {
		prior = dynamic(t, kind, nil)
	}
	configured := dynamic(t, kind, config)
	resp, err := c.server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: resource, PriorState: prior, Config: configured, ProposedNewState: proposed(t, kind, prior, configured), PriorPrivate: private,
	})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// proposed merges a configuration with the prior state, as core does: what is
// null in the configuration keeps its value if the schema computes it. For
// these tests that is everything but what the configuration names.
func proposed(t *testing.T, kind tftypes.Object, prior, config *tfprotov6.DynamicValue) *tfprotov6.DynamicValue {
	t.Helper()
	was, wants := members(t, kind, prior), members(t, kind, config)
	if len(was) == 0 || len(wants) == 0 {
		return config
	}
	for _, name := range []string{"id", "native", "created_at", "url", "serving", "version"} {
		if v, ok := wants[name]; ok && v.IsNull() {
			wants[name] = was[name]
		}
	}
	return encoded(t, tftypes.NewValue(kind, wants))
}

func members(t *testing.T, kind tftypes.Object, v *tfprotov6.DynamicValue) map[string]tftypes.Value {
	t.Helper()
	raw, err := v.Unmarshal(kind)
	if err != nil {
		t.Fatal(err)
	}
	out, err := membersOf(raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func encoded(t *testing.T, v tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	d, err := tfprotov6.NewDynamicValue(v.Type(), v)
	if err != nil {
		t.Fatal(err)
	}
	return &d
}

func dynamic(t *testing.T, kind tftypes.Type, v obj) *tfprotov6.DynamicValue {
	t.Helper()
	if v == nil {
		return encoded(t, tftypes.NewValue(kind, nil))
	}
	return encoded(t, value(t, kind, v))
}

// value builds a Terraform value of a type from plain Go values; what is not
// there is null.
func value(t *testing.T, kind tftypes.Type, v any) tftypes.Value {
	t.Helper()
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(kind, nil)
	case unknown:
		return tftypes.NewValue(kind, tftypes.UnknownValue)
	case obj:
		return objectValue(t, kind, v)
	case []any:
		element := elementType(t, kind)
		out := make([]tftypes.Value, len(v))
		for i, e := range v {
			out[i] = value(t, element, e)
		}
		return tftypes.NewValue(kind, out)
	case int:
		return tftypes.NewValue(kind, big.NewFloat(float64(v)))
	default:
		return tftypes.NewValue(kind, v)
	}
}

func objectValue(t *testing.T, kind tftypes.Type, v obj) tftypes.Value {
	t.Helper()
	out := map[string]tftypes.Value{}
	object, ok := kind.(tftypes.Object)
	if !ok {
		for k, e := range v {
			out[k] = value(t, elementType(t, kind), e)
		}
		return tftypes.NewValue(kind, out)
	}
	for name := range v {
		if _, known := object.AttributeTypes[name]; !known {
			t.Fatalf("there is no attribute %q in %s", name, kind)
		}
	}
	for name, attribute := range object.AttributeTypes {
		out[name] = value(t, attribute, v[name])
	}
	return tftypes.NewValue(kind, out)
}

func elementType(t *testing.T, kind tftypes.Type) tftypes.Type {
	t.Helper()
	switch kind := kind.(type) {
	case tftypes.Map:
		return kind.ElementType
	case tftypes.List:
		return kind.ElementType
	case tftypes.Set:
		return kind.ElementType
	}
	t.Fatalf("%s has no elements", kind)
	return nil
}

func wantNoDiagnostics(t *testing.T, ds []*tfprotov6.Diagnostic) {
	t.Helper()
	for _, d := range ds {
		t.Errorf("unexpected diagnostic at %s: %s: %s", d.Attribute, d.Summary, d.Detail)
	}
}

// wantDiagnostic expects a diagnostic whose text has all the words, at a path.
func wantDiagnostic(t *testing.T, ds []*tfprotov6.Diagnostic, at string, words ...string) {
	t.Helper()
	var found []string
	for _, d := range ds {
		text := d.Summary + ": " + d.Detail
		place := ""
		if d.Attribute != nil {
			place = d.Attribute.String()
		}
		found = append(found, place+": "+text)
		missing := false
		for _, w := range words {
			missing = missing || !strings.Contains(text, w)
		}
		if !missing && place == at {
			return
		}
	}
	t.Errorf("no diagnostic at %q with %q; there are:\n%s", at, words, strings.Join(found, "\n"))
}
