package provider

import (
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestWithEnvironment(t *testing.T) {
	t.Parallel()
	declared := []mlops.Setting{
		{Name: "text", Env: "T"},
		{Name: "number", Env: "N", Type: mlops.IntSetting},
		{Name: "switch", Env: "S", Type: mlops.BoolSetting},
		{Name: "list", Env: "L", Type: mlops.ListSetting},
		{Name: "map", Env: "M", Type: mlops.MapSetting},
		{Name: "none"},
	}
	given := mlops.Settings{"text": "given"}
	env := map[string]string{"T": "ignored", "N": "7", "S": "true", "L": "a,b", "M": "a=b=c,d="}
	if err := withEnvironment(declared, given, lookupIn(env)); err != nil {
		t.Fatal(err)
	}
	want := mlops.Settings{"text": "given", "number": int64(7), "switch": true, "list": []string{"a", "b"}, "map": map[string]string{"a": "b=c", "d": ""}}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{"N": "seven", "S": "maybe", "M": "a=b,c"} {
		if err := withEnvironment(declared, mlops.Settings{}, lookupIn(map[string]string{name: text})); err == nil {
			t.Errorf("%s=%s is accepted", name, text)
		}
	}
}

func TestSettingsRoundTrip(t *testing.T) {
	t.Parallel()
	kind := tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"text": tftypes.String, "number": tftypes.Number, "switch": tftypes.Bool,
		"list": tftypes.List{ElementType: tftypes.String}, "null": tftypes.String,
		"map": tftypes.Map{ElementType: tftypes.String},
	}}
	for name, want := range map[string]mlops.Settings{
		"some":  {"text": "a", "number": int64(7), "switch": true, "list": []string{"x", "y"}, "map": map[string]string{"k": "v", "": ""}},
		"none":  {"list": []string{}, "map": map[string]string{}},
		"empty": {},
	} {
		if diff := cmp.Diff(want, settingsOf(settingsValue(kind, want))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := settingsValue(kind, nil); !got.IsNull() {
		t.Errorf("no settings are written as %s", got)
	}
}

// mappedFactory is a backend with a map of texts among its settings.
func mappedFactory() mlops.Factory {
	f, m := memoryFactory(), mlops.Setting{Name: "tags", Doc: "Tags.", Type: mlops.MapSetting, Env: "MLOPS_TEST_TAGS"}
	f.Settings, f.Target = append(slices.Clone(f.Settings), m), append(slices.Clone(f.Target), m)
	return f
}

func TestMapSettings(t *testing.T) {
	t.Parallel()
	const at = `AttributeName("memory").AttributeName("tags")`
	tests := []struct {
		name, refusal string
		tags          any
	}{
		{"some", "", obj{"a": "b", "c": ""}},
		{"none", "", obj{}},
		{"unknown", "", unknown{}},
		{"an unknown one", "", obj{"a": unknown{}}},
		{"a null one", "null", obj{"a": nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t, mappedFactory())
			inProvider := c.validateProvider(t, obj{"memory": obj{"tags": tt.tags}})
			ofTarget := c.validate(t, "mlops_environment", obj{"name": "a", "stage": "dev", "memory": obj{"tags": tt.tags}})
			if tt.refusal == "" {
				wantNoDiagnostics(t, append(inProvider, ofTarget...))
				return
			}
			wantDiagnostic(t, inProvider, at, tt.refusal)
			wantDiagnostic(t, ofTarget, at, tt.refusal)
		})
	}
}

func TestConfigureRefusesBadEnvironment(t *testing.T) {
	t.Setenv("MLOPS_MEMORY_LOOKS", "many")
	wantDiagnostic(t, newCore(t).configure(t, obj{}), `AttributeName("memory")`, "MLOPS_MEMORY_LOOKS", "many")
}

func TestOwner(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	owner := func(env map[string]string) string {
		t.Helper()
		o, err := defaultOwner(lookupIn(env))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	first := owner(nil)
	if len(first) != 12 || owner(nil) != first {
		t.Errorf("the owner is %q, then %q", first, owner(nil))
	}
	if named := owner(map[string]string{"TF_WORKSPACE": "default"}); named != first {
		t.Error("the default workspace, named, is another owner")
	}
	other := owner(map[string]string{"TF_WORKSPACE": "other"})
	if other == first {
		t.Error("another workspace is the same owner")
	}
	data := filepath.Join(dir, ".terraform")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "environment"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if selected := owner(nil); selected != other {
		t.Error("the selected workspace is not the one named by variable")
	}
	if moved := owner(map[string]string{"TF_DATA_DIR": t.TempDir()}); moved != first {
		t.Error("another data directory is not looked into")
	}
	t.Chdir(t.TempDir())
	if owner(nil) == first {
		t.Error("another directory is the same owner")
	}
}

func TestOwnerOf(t *testing.T) {
	t.Setenv(ownerVariable, "from the environment")
	null := tftypes.NewValue(tftypes.String, nil)
	if got, err := ownerOf(null); err != nil || got != "from the environment" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := ownerOf(tftypes.NewValue(tftypes.String, "given")); err != nil || got != "given" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBlanks(t *testing.T) {
	t.Parallel()
	inner := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"a": tftypes.String, "n": tftypes.Number}}
	kind := tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"text": tftypes.String, "objects": tftypes.Map{ElementType: inner},
		"list": tftypes.List{ElementType: tftypes.Number}, "set": tftypes.Set{ElementType: tftypes.String},
	}}
	in := value(t, kind, obj{
		"text":    unknown{},
		"objects": obj{"x": unknown{}, "y": obj{"a": "kept", "n": unknown{}}, "z": nil},
		"list":    []any{1, unknown{}},
		"set":     []any{unknown{}},
	})
	want := value(t, kind, obj{
		"objects": obj{"x": obj{}, "y": obj{"a": "kept"}, "z": obj{}},
		"list":    []any{1, 0},
		"set":     []any{""},
	})
	var b blanks
	got, err := b.fill(in)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	paths := map[string]bool{}
	for _, p := range b.paths {
		paths[p.String()] = true
	}
	if diff := cmp.Diff(map[string]bool{"text": true, `objects["x"]`: true, `objects["y"].n`: true, "list[1]": true, "set": true}, paths); diff != "" {
		t.Errorf("unknown paths (-want +got):\n%s", diff)
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, function string
		arguments      []string
		want           any    // a Go value for the function's type
		refusal        string // instead
	}{
		{"environment", "parse_id", []string{"vertex/proj/us-central1/dev"}, obj{
			"backend": "vertex", "scope": []any{"proj", "us-central1"}, "environment": "dev", "noun": "environment", "name": "dev",
		}, ""},
		{"version", "parse_id", []string{"local/dev/models/m/versions/3"}, obj{
			"backend": "local", "scope": []any{}, "environment": "dev", "noun": "model_version", "parent": "local/dev/models/m", "name": "3",
		}, ""},
		{"no ID", "parse_id", []string{"nonsense"}, nil, "no backend"},
		{"supported", "supports", []string{"memory", "pipeline.schedule"}, true, ""},
		{"unsupported", "supports", []string{"memory", "pipeline.steps.image"}, false, ""},
		{"no backend", "supports", []string{"memry", "pipeline.schedule"}, nil, `Did you mean "memory"`},
		{"no feature", "supports", []string{"memory", "pipeline.shedule"}, nil, `Did you mean "pipeline.schedule"`},
	}
	server := NewServer("test", testFactories())
	declared := schemas(t).Functions
	for _, tt := range tests {
		t.Run(tt.function+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			q := &tfprotov6.CallFunctionRequest{Name: tt.function}
			for _, a := range tt.arguments {
				q.Arguments = append(q.Arguments, encoded(t, tftypes.NewValue(tftypes.String, a)))
			}
			resp, err := server.CallFunction(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if tt.refusal != "" {
				if resp.Error == nil || !strings.Contains(resp.Error.Text, tt.refusal) {
					t.Errorf("error is %+v, want %q", resp.Error, tt.refusal)
				}
				return
			}
			if resp.Error != nil {
				t.Fatal(resp.Error.Text)
			}
			kind := declared[tt.function].Return.Type
			got, err := resp.Result.Unmarshal(kind)
			if err != nil {
				t.Fatal(err)
			}
			if want := value(t, kind, tt.want); !got.Equal(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestQuantityType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want bool
	}{
		{"4Gi", "4096Mi", true}, {"4Gi", "4G", false}, {"1G", "1000M", true}, {"4", "4", false}, {"", "4Gi", false},
	}
	for _, tt := range tests {
		if got := sameQuantity(tt.a, tt.b); got != tt.want {
			t.Errorf("%q equals %q: %v", tt.a, tt.b, got)
		}
	}
	if !sameJSON(`{"a":1,"b":[2]}`, "{ \"b\": [2], \"a\": 1 }") || sameJSON(`{"a":1}`, `{"a":2}`) || sameJSON("{", "{") {
		t.Error("JSON is compared by its text")
	}
	if n := new(big.Float); plain(tftypes.NewValue(tftypes.Number, n.SetInt64(3))) != int64(3) {
		t.Error("a number setting is no int64")
	}
}
