package aws

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// smEntry is what Search shows of an object: for the configured lag it is what was
// before.
type smEntry struct {
	kind, region string
	number       int
	shown        Params // nil if it is not found
	behind       int    // for how many calls it has been out of date
}

func (w *World) smSearchHandlers() map[string]Handler {
	return map[string]Handler{"Search": w.smSearch}
}

// smSearched are the kinds that Search finds, by the resource type, with how the
// object stands in the record.
func (w *World) smSearched(resource string) (kind string, view func(*smObject) Params) {
	switch resource {
	case "Endpoint":
		return smEndpoint, w.smEndpointRecord
	case "ModelPackage":
		return smPackage, smPackageView
	case "ModelPackageGroup":
		return smGroup, smGroupView
	case "Pipeline":
		return smPipeline, smPipelineView
	case "PipelineExecution":
		return smExecution, smExecutionRecord
	case "Experiment":
		return smExperiment, smExperimentView
	case "ExperimentTrial":
		return smTrial, w.smTrialView
	case "ExperimentTrialComponent":
		return smComponent, smComponentView
	case "TrainingJob":
		return smTraining, smJobView
	case "Model":
		return smModel, func(o *smObject) Params { return Params{"Model": smModelView(o)} }
	}
	return "", nil
}

// smMember is the member of a result in which a resource stands.
func smMember(resource string) string {
	switch resource {
	case "ExperimentTrial":
		return "Trial"
	case "ExperimentTrialComponent":
		return "TrialComponent"
	}
	return resource
}

// smEndpointRecord is an endpoint as Search shows it: without what is pending or
// was deployed last, as the model has it, and with its monitoring schedules.
func (w *World) smEndpointRecord(o *smObject) Params {
	out := smEndpointCore(o)
	serving, _ := o.detail.(*smServing)
	out["EndpointConfigName"] = serving.config.name
	return out
}

// smExecutionRecord is an execution as Search shows it, with its parameters.
func smExecutionRecord(o *smObject) Params {
	run, _ := o.detail.(*smRun)
	out := smExecutionView(o)
	var parameters []any
	for _, p := range run.graph.parameters {
		parameters = append(parameters, Params{"Name": p.Name, "Value": smTextOf(run.values[p.Name])})
	}
	if len(parameters) > 0 {
		out["PipelineParameters"] = parameters
	}
	return out
}

func (w *World) smSearch(c *Call) (Params, error) {
	resource := text(c.In, "Resource")
	kind, view := w.smSearched(resource)
	if view == nil {
		return nil, fault("ValidationException", "This simulation does not search for %s.", resource)
	}
	records := w.smIndex(c, kind, view)
	expression := structure(c.In, "SearchExpression")
	var failed error
	records = slices.DeleteFunc(records, func(r Params) bool {
		ok, err := smMatches(r, expression)
		if err != nil {
			failed = err
		}
		return !ok
	})
	if failed != nil {
		return nil, failed
	}
	smSort(c.In, records)
	member := smMember(resource)
	return smPage(c.In, "Results", records, smPageSize, func(r Params) Params { return Params{member: r} })
}

// smIndex are the records of a region's objects of a kind, as late as configured.
// Only the first page counts as a look, and moves the index on.
func (w *World) smIndex(c *Call, kind string, view func(*smObject) Params) []Params {
	first := text(c.In, "NextToken") == ""
	index := w.sm().indexed
	for _, o := range w.all(c, kind) {
		if first {
			w.look(o, c.Time)
		}
		if index[o.arn] == nil {
			index[o.arn] = &smEntry{kind: kind, region: o.region, number: o.number}
		}
	}
	var entries []*smEntry
	for arn, e := range index {
		if e.kind != kind || e.region != c.Region {
			continue
		}
		if first {
			e.follow(w.smRecord(arn, view), w.config.Lag)
		}
		if e.shown != nil {
			entries = append(entries, e)
		} else if w.sm().objects[arn] == nil {
			delete(index, arn)
		}
	}
	slices.SortFunc(entries, func(a, b *smEntry) int { return cmp.Compare(a.number, b.number) })
	records := make([]Params, len(entries))
	for i, e := range entries {
		records[i] = e.shown
	}
	return records
}

// smRecord is what there is to be shown of an object now: its tags too.
func (w *World) smRecord(arn string, view func(*smObject) Params) Params {
	o := w.sm().objects[arn]
	if o == nil {
		return nil
	}
	out := maps.Clone(view(o))
	if tags := w.tagsOf(o); len(tags) > 0 && o.kind != smModel && o.kind != smExecution {
		out["Tags"] = smTagList(tags)
	}
	return out
}

// follow takes over what there is now, after having shown the old for lag calls.
func (e *smEntry) follow(now Params, lag int) {
	if reflect.DeepEqual(e.shown, now) {
		e.behind = 0
		return
	}
	if e.behind++; e.behind > lag {
		e.shown, e.behind = now, 0
	}
}

// smMatches reports whether a record passes an expression: all of it, or any of it
// with the operator Or.
func smMatches(record, expression Params) (bool, error) {
	if expression == nil {
		return true, nil
	}
	var results []bool
	for _, f := range structures(expression, "Filters") {
		ok, err := smFilter(record, f)
		if err != nil {
			return false, err
		}
		results = append(results, ok)
	}
	for _, sub := range structures(expression, "SubExpressions") {
		ok, err := smMatches(record, sub)
		if err != nil {
			return false, err
		}
		results = append(results, ok)
	}
	if len(list(expression, "NestedFilters")) > 0 {
		return false, fault("ValidationException", "This simulation has no nested filters.")
	}
	if text(expression, "Operator") == "Or" {
		return slices.Contains(results, true), nil
	}
	return !slices.Contains(results, false), nil
}

// smFilter decides one filter (API reference, Filter).
func smFilter(record, filter Params) (bool, error) {
	have, found := smField(record, text(filter, "Name"))
	want, given := text(filter, "Value"), filter["Value"] != nil
	operator := text(filter, "Operator")
	if operator == "" {
		operator = "Equals"
	}
	if given == (operator == "Exists" || operator == "NotExists") {
		return false, fault("ValidationException", "The operator %s and the value do not go together.", operator)
	}
	switch operator {
	case "Exists":
		return found, nil
	case "NotExists":
		return !found, nil
	case "NotEquals":
		return have != want, nil
	case "Equals":
		return found && have == want, nil
	case "Contains":
		return found && strings.Contains(have, want), nil
	case "In":
		return found && slices.Contains(strings.Split(want, ","), have), nil
	}
	order, err := smOrder(have, want)
	holds := map[string]bool{
		"GreaterThan": order > 0, "GreaterThanOrEqualTo": order >= 0, "LessThan": order < 0, "LessThanOrEqualTo": order <= 0,
	}
	return found && holds[operator], err
}

// smOrder compares two values as times, where the first is one, or as numbers.
func smOrder(have, want string) (int, error) {
	at, notTime := time.Parse(time.RFC3339, have)
	if notTime != nil {
		return cmp.Compare(smNumber(have), smNumber(want)), nil //nolint:nilerr // a number is no mistake
	}
	limit, err := time.Parse(time.RFC3339, want)
	if err != nil {
		return 0, fault("ValidationException", "The value %s is not a time.", want)
	}
	return at.Compare(limit), nil
}

// smField reads a property by its name: Tags.<key>, or a path of members.
func smField(record Params, name string) (string, bool) {
	if key, ok := strings.CutPrefix(name, "Tags."); ok {
		for _, tag := range structures(record, "Tags") {
			if text(tag, "Key") == key {
				return text(tag, "Value"), true
			}
		}
		return "", false
	}
	var v any = record
	for part := range strings.SplitSeq(name, ".") {
		members, ok := v.(map[string]any)
		if !ok {
			return "", false
		}
		if v, ok = members[part]; !ok {
			return "", false
		}
	}
	if at, ok := v.(time.Time); ok {
		return at.UTC().Format(time.RFC3339Nano), true
	}
	return fmt.Sprint(v), true
}

// smSort orders records by a property, LastModifiedTime unless told, newest first
// (API reference, Search).
func smSort(in Params, records []Params) {
	by := cmp.Or(text(in, "SortBy"), "LastModifiedTime")
	slices.SortStableFunc(records, func(a, b Params) int {
		x, _ := smField(a, by)
		y, _ := smField(b, by)
		return cmp.Compare(x, y)
	})
	if text(in, "SortOrder") != "Ascending" {
		slices.Reverse(records)
	}
}
