package aws

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// smResolve replaces what a definition leaves to the execution: references, texts
// to be joined, and values to be read from a step's property files.
func (w *World) smResolve(o *smObject, v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			resolved, err := w.smResolve(o, inner)
			if err != nil {
				return nil, err
			}
			out[i] = resolved
		}
		return out, nil
	case map[string]any:
		return w.smResolveMap(o, v)
	}
	return v, nil
}

func (w *World) smResolveMap(o *smObject, v map[string]any) (any, error) {
	if reference, ok := smGet(v); ok {
		return smLookUp(o, reference)
	}
	if smWild(v) {
		if join, ok := v["Std:Join"].(map[string]any); ok {
			return w.smJoined(o, join)
		}
		if get, ok := v["Std:JsonGet"].(map[string]any); ok {
			return w.smRead(o, get)
		}
	}
	out := map[string]any{}
	for k, inner := range v {
		resolved, err := w.smResolve(o, inner)
		if err != nil {
			return nil, err
		}
		out[k] = resolved
	}
	return out, nil
}

// smJoined is the text that {"On": "/", "Values": […]} means.
func (w *World) smJoined(o *smObject, join Params) (any, error) {
	var parts []string
	for _, inner := range list(join, "Values") {
		v, err := w.smResolve(o, inner)
		if err != nil {
			return nil, err
		}
		parts = append(parts, smTextOf(v))
	}
	return strings.Join(parts, text(join, "On")), nil
}

// smLookUp returns what a reference refers to.
func smLookUp(o *smObject, reference string) (any, error) {
	run, _ := o.detail.(*smRun)
	scope, rest, _ := strings.Cut(reference, ".")
	switch scope {
	case "Parameters":
		return run.values[rest], nil
	case "Execution":
		return smFact(o, rest), nil
	}
	name, path, _ := strings.Cut(rest, ".")
	s := run.of(name)
	if s == nil || s.status != "Succeeded" {
		return nil, fmt.Errorf("step %s has no result to be referred to", name)
	}
	v, ok := smProperty(s.result, path)
	if !ok {
		return nil, fmt.Errorf("step %s has no property %s", name, path)
	}
	return v, nil
}

// smPiece is one part of a path: .Name, ['key'] or [0].
var smPiece = regexp.MustCompile(`^\.?([A-Za-z0-9_]+)|^\[['"]([^'"]*)['"]\]|^\[(\d+)\]`)

// smProperty follows a path of properties, as in
// ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri. In a list a key is the
// name of an element.
func smProperty(v any, path string) (any, bool) {
	for path != "" {
		m := smPiece.FindStringSubmatch(path)
		if m == nil {
			return nil, false
		}
		path = path[len(m[0]):]
		elements, isList := v.([]any)
		switch {
		case m[3] != "" && isList:
			i, err := strconv.Atoi(m[3])
			if err != nil || i >= len(elements) {
				return nil, false
			}
			v = elements[i]
		case isList:
			i := slices.IndexFunc(elements, func(e any) bool { return smNamed(e, m[1]+m[2]) })
			if i < 0 {
				return nil, false
			}
			v = elements[i]
		default:
			members, _ := v.(map[string]any)
			inner, ok := members[m[1]+m[2]]
			if !ok {
				return nil, false
			}
			v = inner
		}
	}
	return v, v != nil
}

// smNamed reports whether an element of a list goes by a name.
func smNamed(e any, name string) bool {
	m, _ := e.(map[string]any)
	return slices.ContainsFunc([]string{"OutputName", "InputName", "ChannelName", "MetricName", "Name"}, func(key string) bool { return text(m, key) == name })
}

// smRead reads a value from a step's property file, or from a file of JSON:
// {"PropertyFile": {"Get": "Steps.test.PropertyFiles.report"}, "Path": "auc"}, or
// {"S3Uri": …, "Path": "auc"} (AWS's SDK for Python, workflow/functions.py).
func (w *World) smRead(o *smObject, get Params) (any, error) {
	at, err := w.smResolve(o, get["S3Uri"])
	if err != nil {
		return nil, err
	}
	if get["S3Uri"] == nil {
		reference, _ := smGet(get["PropertyFile"])
		if at, err = smPropertyURI(o, reference); err != nil {
			return nil, err
		}
	}
	uri := smTextOf(at)
	bucket, key := smLocation(uri)
	raw, ok := w.getObject(bucket, key)
	if !ok {
		return nil, fmt.Errorf("the property file %s is not there", uri)
	}
	var content any
	if err := smDecode(raw, &content); err != nil {
		return nil, fmt.Errorf("the property file %s is not JSON", uri)
	}
	v, ok := smProperty(content, text(get, "Path"))
	if !ok {
		return nil, fmt.Errorf("the property file %s has no %s", uri, text(get, "Path"))
	}
	return v, nil
}

// smPropertyURI is where a property file of a step is that succeeded.
func smPropertyURI(o *smObject, reference string) (string, error) {
	run, _ := o.detail.(*smRun)
	parts := strings.Split(reference, ".")
	if len(parts) != 4 || parts[0] != "Steps" || parts[2] != "PropertyFiles" {
		return "", fmt.Errorf("the property file %q cannot be resolved", reference)
	}
	s := run.of(parts[1])
	if s == nil || s.status != "Succeeded" {
		return "", fmt.Errorf("step %s has no result to be referred to", parts[1])
	}
	i := slices.IndexFunc(s.step.PropertyFiles, func(f smPropertyFile) bool { return f.PropertyFileName == parts[3] })
	if i < 0 {
		return "", fmt.Errorf("step %s has no property file %s", parts[1], parts[3])
	}
	file := s.step.PropertyFiles[i]
	uri, _ := smProperty(s.result, "ProcessingOutputConfig.Outputs['"+file.OutputName+"'].S3Output.S3Uri")
	at, _ := uri.(string)
	return strings.TrimSuffix(at, "/") + "/" + file.FilePath, nil
}

// smLocation splits an S3 URI.
func smLocation(uri string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	return bucket, key
}

// smCacheKeys are the arguments that decide whether a step's earlier result may be
// used again (developer guide, "Caching pipeline steps").
func smCacheKeys(kind string) []string {
	switch kind {
	case "Processing":
		return []string{"AppSpecification", "Environment", "ProcessingInputs"}
	case "Training":
		return []string{"AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations", "Environment", "HyperParameters", "InputDataConfig"}
	}
	return nil
}

// smReuse gives a step the result of an earlier run of the same step with the same
// arguments, where it may be used again.
func (w *World) smReuse(o *smObject, s *smStepRun) bool {
	cache, keys := s.step.CacheConfig, smCacheKeys(s.step.Type)
	if cache == nil || !cache.Enabled || keys == nil {
		return false
	}
	run, _ := o.detail.(*smRun)
	pipeline := w.sm().objects[run.pipeline]
	if pipeline == nil {
		return false
	}
	lasts := smDuration(cache.ExpireAfter)
	for _, other := range slices.Backward(w.smRunsOf(pipeline)) {
		earlier, _ := other.detail.(*smRun)
		before := earlier.of(s.step.Name)
		if other == o || before == nil || before.status != "Succeeded" || before.source != "" || before.step.Type != s.step.Type {
			continue
		}
		fresh := lasts == 0 || s.started.Sub(before.ended) < lasts
		same := func(key string) bool { return reflect.DeepEqual(before.arguments[key], s.arguments[key]) }
		if fresh && !slices.ContainsFunc(keys, func(key string) bool { return !same(key) }) {
			s.result, s.metadata, s.source = before.result, before.metadata, other.arn
			return true
		}
	}
	return false
}

// smSpan is a duration as ISO 8601 has it, or as AWS's samples shorten it: P30D,
// PT12H, 30d, T12H.
var smSpan = regexp.MustCompile(`(?i)^P?(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$`)

// smDuration reads a span of time; 0 has no end.
func smDuration(span string) time.Duration {
	m := smSpan.FindStringSubmatch(span)
	if m == nil {
		return 0
	}
	var total time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if n, err := strconv.Atoi(m[i+1]); err == nil {
			total += time.Duration(n) * unit
		}
	}
	return total
}
