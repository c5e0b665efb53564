package mlops

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// Overrides reads what a spec adds to the platform's own requests: an object, by the
// name of the request. Nothing given is nothing added.
func Overrides(text string) (map[string]any, error) {
	if text == "" {
		return map[string]any{}, nil
	}
	var given any
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	requests, ok := given.(map[string]any)
	if !ok {
		return nil, errors.New("it is JSON of another kind")
	}
	return requests, nil
}

// SameOverrides reports whether two texts say the same, however they are written.
func SameOverrides(a, b string) bool {
	x, errX := Overrides(a)
	y, errY := Overrides(b)
	return errX == nil && errY == nil && DigestOf(x) == DigestOf(y) || a == b
}

// MergePatch puts a patch over an object, as RFC 7386 has it: objects are merged
// member by member, null removes a member, and anything else takes the place of what
// was there. Neither argument is changed.
func MergePatch(object, patch map[string]any) map[string]any {
	out := make(map[string]any, len(object)+len(patch))
	maps.Copy(out, object)
	for name, v := range patch {
		fresh, nested := v.(map[string]any)
		old, _ := out[name].(map[string]any)
		switch {
		case v == nil:
			delete(out, name)
		case nested:
			out[name] = MergePatch(old, fresh)
		default:
			out[name] = v
		}
	}
	return out
}

// checkOverrides insists on an object.
func checkOverrides(c *Checker, at Path, text string) {
	if _, err := Overrides(text); err != nil {
		c.Add(at, "Not an object", "overrides is a JSON object of the platform's own requests; write it with jsonencode({ … }). This is none: %s.", err)
	}
}
