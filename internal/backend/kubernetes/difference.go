package kubernetes

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// missingIn is the path of the first thing that a manifest says and an object does
// not have so, or "". What the object has beyond that is others' business. Of labels
// and annotations those count that mean something to Kubernetes or to KServe, and not
// those that describe.
func (m manifest) missingIn(have *unstructured.Unstructured) (string, error) {
	raw, err := m.json()
	if err != nil {
		return "", err
	}
	var want map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		return "", err
	}
	metadata, _ := want["metadata"].(map[string]any)
	for _, of := range []string{"labels", "annotations"} {
		describing, _ := metadata[of].(map[string]any)
		maps.DeleteFunc(describing, func(key string, _ any) bool { return describes(key) })
	}
	object, err := json.Marshal(have.Object)
	if err != nil {
		return "", err
	}
	var live map[string]any
	if err := json.Unmarshal(object, &live); err != nil {
		return "", err
	}
	return missing(want, live, ""), nil
}

// describes reports whether a label or an annotation describes an object, and
// changes nothing.
func describes(key string) bool {
	return !strings.Contains(key, "/") || strings.HasPrefix(key, prefix) || strings.HasPrefix(key, "app.kubernetes.io/")
}

// missing is the path below at of the first value in want that have lacks.
func missing(want, have any, at string) string {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok && len(w) > 0 {
			return at
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if path := missing(w[key], h[key], strings.TrimPrefix(at+"."+key, ".")); path != "" {
				return path
			}
		}
		return ""
	case []any:
		h, ok := have.([]any)
		if len(w) != len(h) || !ok && len(w) > 0 {
			return at
		}
		for i := range w {
			if path := missing(w[i], h[i], at+"["+strconv.Itoa(i)+"]"); path != "" {
				return path
			}
		}
		return ""
	case nil:
		return ""
	}
	if reflect.DeepEqual(want, have) {
		return ""
	}
	return at
}
