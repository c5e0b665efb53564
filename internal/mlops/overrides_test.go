package mlops

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMergePatch has the cases of RFC 7386, appendix A, that are of objects.
func TestMergePatch(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, object, patch, want string }{
		{"another value", `{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{"one more", `{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{"removed", `{"a":"b"}`, `{"a":null}`, `{}`},
		{"removed beside another", `{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{"list by text", `{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{"text by list", `{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{"nested", `{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{"lists are replaced", `{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{"null that was there", `{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{"no nulls out of nothing", `{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{"object by text", `{"a":{"b":1}}`, `{"a":"c"}`, `{"a":"c"}`},
		{"text by object", `{"a":"c"}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			object, patch, want := objectOf(t, tt.object), objectOf(t, tt.patch), objectOf(t, tt.want)
			if diff := cmp.Diff(want, MergePatch(object, patch)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(objectOf(t, tt.object), object); diff != "" {
				t.Errorf("the object was changed:\n%s", diff)
			}
		})
	}
}

func objectOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOverridesAreAnObject(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		wrong      bool
	}{
		{"nothing", "", false},
		{"an object", `{"CreateModel":{}}`, false},
		{"empty", `{}`, false},
		{"a list", `[]`, true},
		{"text", `"x"`, true},
		{"null", `null`, true},
		{"no JSON", `{`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker()
			checkOverrides(c, At("overrides"), tt.text)
			err := c.Err()
			if tt.wrong != (err != nil) || err != nil && !strings.Contains(err.Error(), "overrides: Not an object") {
				t.Errorf("%s: %v", tt.text, err)
			}
		})
	}
}

func TestVersionsWithOtherOverridesAreOthers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"none", "", "", true},
		{"an empty object is none", "", "{}", true},
		{"written differently", `{"a":{"b":1,"c":2}}`, "{ \"a\": {\"c\": 2, \"b\": 1} }", true},
		{"another value", `{"a":1}`, `{"a":2}`, false},
		{"given and not", `{"a":1}`, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := ModelVersionSpec{Overrides: tt.a}, ModelVersionSpec{Overrides: tt.b}
			if got := a.SameBytes(b); got != tt.want {
				t.Errorf("same: %t, want %t", got, tt.want)
			}
		})
	}
}
