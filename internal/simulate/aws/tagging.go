package aws

import (
	"maps"
	"slices"
	"strings"
)

// tagged is an object that has tags, of whatever service.
type tagged struct {
	arn, region string
	tags        map[string]string
	set         func(map[string]string)
}

// taggingState is what queries of tags show, which may be older than what is.
type taggingState struct{ shown map[string]*taggedShown }

// taggedShown is one object as queries show it: what they show now, and what they
// will once they have been asked so many more times.
type taggedShown struct {
	region     string
	now, later map[string]string
	left       int
}

func (w *World) taggingHandlers() map[string]Handler {
	return map[string]Handler{"GetResources": w.taggingGet, "TagResources": w.taggingTag, "UntagResources": w.taggingUntag}
}

// taggedResources are all objects that the tagging API knows. Roles are not among
// them (Resource Groups user guide, "Supported resource types"), nor are versions
// of model packages and schedules, which have no tags.
func (w *World) taggedResources() []tagged {
	var out []tagged
	add := func(arn, region string, tags tagSet) {
		out = append(out, tagged{arn: arn, region: region, tags: tags, set: func(fresh map[string]string) {
			clear(tags)
			maps.Copy(tags, fresh)
		}})
	}
	for _, o := range w.sm().objects {
		if o.kind != smPackage || smVersion(o) == 0 {
			out = append(out, tagged{arn: o.arn, region: o.region, tags: o.tags, set: func(fresh map[string]string) { o.tags = fresh }})
		}
	}
	for _, b := range w.s3().buckets {
		if !b.foreign {
			out = append(out, tagged{
				arn: "arn:" + partitionOf(b.region) + ":s3:::" + b.name, region: b.region, tags: b.tags,
				set: func(fresh map[string]string) { b.tags = fresh },
			})
		}
	}
	for _, p := range w.ssm().parameters {
		add(p.arn, p.region, p.tags)
	}
	for _, t := range w.sns().topics {
		add(t.arn, arnRegion(t.arn), t.tags)
	}
	for _, g := range w.scheduler().groups {
		add(g.arn, g.region, g.tags)
	}
	for _, r := range w.events().rules {
		add(r.arn, r.region, r.tags)
	}
	for _, a := range w.cloudwatch().alarms {
		add(a.arn, a.region, a.tags)
	}
	for _, t := range w.scaling().targets {
		add(t.arn, t.region, t.tags)
	}
	return out
}

// index brings what queries show up to date: a change is shown after as many
// queries as the world lags.
func (w *World) index() map[string]*taggedShown {
	if w.tagIndex == nil {
		w.tagIndex = &taggingState{shown: map[string]*taggedShown{}}
	}
	all, there := w.tagIndex.shown, map[string]bool{}
	for _, o := range w.taggedResources() {
		there[o.arn] = true
		if all[o.arn] == nil {
			if len(o.tags) == 0 {
				continue // what never had tags is not known
			}
			all[o.arn] = &taggedShown{region: o.region}
		}
		all[o.arn].expect(o.tags, w.config.Lag)
	}
	for arn, e := range all {
		if !there[arn] {
			e.expect(nil, w.config.Lag)
		}
		if e.now == nil && e.later == nil {
			delete(all, arn)
		}
	}
	return all
}

// expect counts a query.
func (e *taggedShown) expect(tags map[string]string, lag int) {
	if (tags == nil) != (e.later == nil) || !maps.Equal(tags, e.later) {
		e.later, e.left = maps.Clone(tags), lag
	}
	if e.left > 0 {
		e.left--
		return
	}
	e.now = e.later
}

func taggingInvalid(format string, args ...any) *Fault {
	return fault("InvalidParameterException", format, args...)
}

// taggingGet lists objects by their tags.
func (w *World) taggingGet(c *Call) (Params, error) {
	filters, types, arns := structures(c.In, "TagFilters"), texts(c.In, "ResourceTypeFilters"), texts(c.In, "ResourceARNList")
	size := number(c.In, "ResourcesPerPage", 50)
	switch {
	case len(arns) > 0 && (len(filters) > 0 || len(types) > 0):
		return nil, taggingInvalid("ResourceARNList cannot be combined with other filters")
	case size < 1 || size > 100:
		return nil, taggingInvalid("ResourcesPerPage must be between 1 and 100")
	}
	index := w.tagIndexOf(c)
	var all []string
	for _, arn := range slices.Sorted(maps.Keys(index)) {
		e := index[arn]
		if e.now != nil && e.region == c.Region && typeFits(arn, types) && tagsFit(e.now, filters) && (len(arns) == 0 || slices.Contains(arns, arn)) {
			all = append(all, arn)
		}
	}
	page, next, ok := pageOf(all, text(c.In, "PaginationToken"), int(size))
	if !ok {
		return nil, taggingInvalid("The pagination token is invalid.")
	}
	shown := []any{}
	for _, arn := range page {
		shown = append(shown, Params{"ResourceARN": arn, "Tags": tagSet(index[arn].now).list()})
	}
	return Params{"ResourceTagMappingList": shown, "PaginationToken": next}, nil
}

// tagIndexOf brings the index up to date for a first page; later ones see the same.
func (w *World) tagIndexOf(c *Call) map[string]*taggedShown {
	if text(c.In, "PaginationToken") != "" && w.tagIndex != nil {
		return w.tagIndex.shown
	}
	return w.index()
}

// typeFits reports whether an ARN is of one of the types "service" or
// "service:type".
func typeFits(arn string, types []string) bool {
	return len(types) == 0 || slices.ContainsFunc(types, func(want string) bool {
		service, kind, typed := strings.Cut(want, ":")
		if service != arnPart(arn, 2) {
			return false
		}
		resource := arnPart(arn, 5)
		have, _, named := strings.Cut(strings.Replace(resource, ":", "/", 1), "/")
		if !named && service == "s3" {
			have = "bucket"
		}
		return !typed || kind == have
	})
}

// tagsFit reports whether tags have all keys, each with one of the values.
func tagsFit(tags map[string]string, filters []Params) bool {
	for _, f := range filters {
		value, ok := tags[text(f, "Key")]
		if values := texts(f, "Values"); !ok || len(values) > 0 && !slices.Contains(values, value) {
			return false
		}
	}
	return true
}

// change changes the tags of the objects of a list. Those that are not there come
// back with a reason.
func (w *World) change(c *Call, do func(tags map[string]string)) Params {
	all := map[string]tagged{}
	for _, o := range w.taggedResources() {
		all[o.arn] = o
	}
	failed := Params{}
	for _, arn := range texts(c.In, "ResourceARNList") {
		o, ok := all[arn]
		if !ok || o.region != c.Region {
			failed[arn] = Params{"StatusCode": 400, "ErrorCode": "InvalidParameterException", "ErrorMessage": "The resource " + arn + " does not exist."}
			continue
		}
		fresh := tagSet{}
		maps.Copy(fresh, o.tags)
		do(fresh)
		if words := tagFault(nil, fresh, mostTags); words != "" {
			failed[arn] = Params{"StatusCode": 400, "ErrorCode": "InvalidParameterException", "ErrorMessage": words}
			continue
		}
		o.set(fresh)
	}
	return Params{"FailedResourcesMap": failed}
}

func (w *World) taggingTag(c *Call) (Params, error) {
	fresh := tagMapIn(c.In, "Tags")
	if words := tagFault(nil, fresh, mostTags); words != "" {
		return nil, taggingInvalid("%s", words)
	}
	return w.change(c, func(tags map[string]string) { maps.Copy(tags, fresh) }), nil
}

func (w *World) taggingUntag(c *Call) (Params, error) {
	return w.change(c, func(tags map[string]string) {
		for _, key := range texts(c.In, "TagKeys") {
			delete(tags, key)
		}
	}), nil
}
