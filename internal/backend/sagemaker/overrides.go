package sagemaker

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// nativeRequest is one of SageMaker's requests, as overrides may add to it.
type nativeRequest struct {
	input reflect.Type
	// named are lists of the request whose elements overrides give by name, as an
	// object: what is ours in each of them stays.
	named []string
	// owned are members that overrides may not have, as paths below the request ("*"
	// for each name of a named list), and what has them instead.
	owned map[string]string
}

// overrideCheck holds overrides to SageMaker's requests.
type overrideCheck struct {
	c        *mlops.Checker
	requests map[string]nativeRequest
	names    []string   // of the elements of named lists
	namesAt  mlops.Path // attribute that they come from
	found    int        // problems
}

// check refuses what the requests do not have, or have from elsewhere.
func (k *overrideCheck) check(text string) {
	requests, err := mlops.Overrides(text)
	if err != nil {
		return // every backend says so
	}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		r, ok := k.requests[name]
		if !ok {
			known := slices.Sorted(maps.Keys(k.requests))
			k.refuse("Unknown request", "%s is no request that overrides can add to here; those are %s.%s", name, strings.Join(known, ", "), mlops.DidYouMean(name, known))
			continue
		}
		k.members(r, name, "", requests[name], r.input)
	}
}

func (k *overrideCheck) refuse(summary, words string, args ...any) {
	k.found++
	k.c.Add(mlops.At("overrides"), summary, words, args...)
}

// members checks an object. The place is where it is below its request.
func (k *overrideCheck) members(r nativeRequest, at, place string, v any, t reflect.Type) {
	object, ok := v.(map[string]any)
	if !ok {
		k.refuse("Not an object", "%s is an object; this is %s.", at, jsonWords(v))
		return
	}
	known := membersOf(t)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		below := strings.TrimPrefix(place+"."+name, ".")
		field, ok := known[name]
		switch why, owned := r.owned[below]; {
		case !ok:
			k.refuse("Unknown member", "%s has no member %q.%s", at, name, mlops.DidYouMean(name, slices.Sorted(maps.Keys(known))))
		case owned:
			k.refuse("Not for overrides", "%s.%s is not for overrides: %s.", at, name, why)
		case object[name] == nil: // removed
		case slices.Contains(r.named, below):
			k.elements(r, at+"."+name, below, object[name], field.Elem())
		default:
			k.value(r, at+"."+name, below, object[name], field)
		}
	}
}

// elements checks the elements of a named list.
func (k *overrideCheck) elements(r nativeRequest, at, place string, v any, t reflect.Type) {
	object, ok := v.(map[string]any)
	if !ok {
		k.refuse("Not by name", "%s is given here by name, as in { %s = { … } }, with what is added to each; this is %s.", at, append(k.names, "main")[0], jsonWords(v))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(k.names, name) {
			k.found++
			k.c.AddIf(mlops.At("overrides"), []mlops.Path{mlops.At("overrides"), k.namesAt}, "Unknown name",
				"%s has none that is named %q; they are %s.%s", at, name, strings.Join(k.names, ", "), mlops.DidYouMean(name, k.names))
			continue
		}
		k.members(r, at+"."+name, place+".*", object[name], t)
	}
}

// value checks a value against the type that it is to have.
func (k *overrideCheck) value(r nativeRequest, at, place string, v any, t reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		k.members(r, at, place, v, t)
	case reflect.Slice:
		k.list(r, at, place, v, t)
	case reflect.Map:
		k.mapping(r, at, place, v, t)
	default:
		k.scalar(at, v, t)
	}
}

func (k *overrideCheck) list(r nativeRequest, at, place string, v any, t reflect.Type) {
	all, ok := v.([]any)
	if !ok {
		k.refuse("Not a list", "%s is a list; this is %s.", at, jsonWords(v))
		return
	}
	for i, e := range all {
		k.value(r, fmt.Sprintf("%s[%d]", at, i), place+".#", e, t.Elem())
	}
}

func (k *overrideCheck) mapping(r nativeRequest, at, place string, v any, t reflect.Type) {
	all, ok := v.(map[string]any)
	if !ok {
		k.refuse("Not an object", "%s is an object; this is %s.", at, jsonWords(v))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != nil {
			k.value(r, at+"."+name, place+".#", all[name], t.Elem())
		}
	}
}

// scalar checks a text, a number or a boolean.
func (k *overrideCheck) scalar(at string, v any, t reflect.Type) {
	var want string
	var ok bool
	switch t.Kind() {
	case reflect.String:
		var s string
		s, ok = v.(string)
		if all := enumOf(t); ok && len(all) > 0 && !slices.Contains(all, s) {
			k.refuse("Unknown value", "%s cannot be %q.%s", at, s, mlops.DidYouMean(s, all))
		}
		want = "text"
	case reflect.Bool:
		_, ok = v.(bool)
		want = "true or false"
	case reflect.Int32, reflect.Int64:
		var n float64
		n, ok = v.(float64)
		ok = ok && n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
		want = "a whole number"
	case reflect.Float32, reflect.Float64:
		_, ok = v.(float64)
		want = "a number"
	default:
		k.refuse("Not for overrides", "%s cannot be given here.", at)
		return
	}
	if !ok {
		k.refuse("Not of its type", "%s is %s; this is %s.", at, want, jsonWords(v))
	}
}

// membersOf lists what a structure of the SDK has, by AWS's names.
func membersOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for f := range t.Fields() {
		if f.IsExported() {
			out[f.Name] = f.Type
		}
	}
	return out
}

// enumOf lists the values of a type of text, none where it takes any.
func enumOf(t reflect.Type) []string {
	values, ok := t.MethodByName("Values")
	if !ok {
		return nil
	}
	var out []string
	list := values.Func.Call([]reflect.Value{reflect.Zero(t)})[0]
	for i := range list.Len() {
		out = append(out, list.Index(i).String())
	}
	return out
}

// jsonWords says what a value is.
func jsonWords(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("the text %q", v)
	case float64, bool:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	}
	return "an object"
}

// override puts a patch over a request, or a part of one; see mlops.MergePatch. Where
// there is none, the request stays as it is to the byte.
func override[T any](request *T, patch map[string]any) error {
	if len(patch) == 0 {
		return nil
	}
	raw, err := json.Marshal(request)
	if err != nil {
		return err
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	raw, err = json.Marshal(mlops.MergePatch(object, patch))
	if err != nil {
		return err
	}
	var out T
	if err := json.Unmarshal(raw, &out); err != nil {
		return err
	}
	*request = out
	return nil
}

// patchOf is what overrides add to one request.
func patchOf(text, request string) map[string]any {
	all, err := mlops.Overrides(text)
	if err != nil {
		return nil // refused before
	}
	patch, _ := all[request].(map[string]any)
	return patch
}
