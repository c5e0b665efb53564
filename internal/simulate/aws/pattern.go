package aws

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// patternFilters are the comparisons that an event pattern may make
// (EventBridge user guide, "Comparison operators").
func patternFilters() []string {
	return []string{"prefix", "suffix", "anything-but", "numeric", "exists", "cidr", "equals-ignore-case", "wildcard"}
}

// patternFault says what is wrong with an event pattern, in the words of
// EventBridge's own matcher (aws/event-ruler), or "".
func patternFault(source string) string {
	var top map[string]any
	if err := json.Unmarshal([]byte(source), &top); err != nil {
		return "Filter is not an object"
	}
	if len(top) == 0 {
		return "Empty objects are not allowed"
	}
	return patternLevel(top)
}

func patternLevel(level map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(level)) {
		switch v := level[key].(type) {
		case map[string]any:
			if len(v) == 0 {
				return "Empty objects are not allowed"
			}
			if wrong := patternLevel(v); wrong != "" {
				return wrong
			}
		case []any:
			if wrong := patternValues(key, v); wrong != "" {
				return wrong
			}
		default:
			return fmt.Sprintf("%q must be an object or an array", key)
		}
	}
	return ""
}

func patternValues(key string, values []any) string {
	if len(values) == 0 {
		return "Empty arrays are not allowed"
	}
	for _, v := range values {
		filter, ok := v.(map[string]any)
		if !ok {
			if level, nested := v.([]any); nested {
				return fmt.Sprintf("Match value must be String, number, true, false, or null, not an array of %d", len(level))
			}
			continue
		}
		if key == "$or" {
			if wrong := patternLevel(filter); wrong != "" {
				return wrong
			}
			continue
		}
		if len(filter) != 1 {
			return "Only one key allowed in match expression"
		}
		for name := range filter {
			if !slices.Contains(patternFilters(), name) {
				return "Unrecognized match type " + name
			}
		}
	}
	return ""
}
