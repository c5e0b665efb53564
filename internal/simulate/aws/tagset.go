package aws

import (
	"maps"
	"slices"
	"strings"
)

// tagSet are the tags of one object. It is changed in place, so that whoever
// holds it sees every change.
type tagSet map[string]string

// tagsIn reads a list of structures with Key and Value.
func tagsIn(in Params, member string) tagSet {
	tags := tagSet{}
	for _, tag := range structures(in, member) {
		tags[text(tag, "Key")] = text(tag, "Value")
	}
	return tags
}

// tagMapIn reads a map of texts.
func tagMapIn(in Params, member string) tagSet {
	tags := tagSet{}
	for key := range structure(in, member) {
		tags[key] = text(structure(in, member), key)
	}
	return tags
}

// list writes tags in the order of their keys.
func (t tagSet) list() []any {
	out := make([]any, 0, len(t))
	for _, key := range slices.Sorted(maps.Keys(t)) {
		out = append(out, Params{"Key": key, "Value": t[key]})
	}
	return out
}

// mapped writes tags as a map.
func (t tagSet) mapped() Params {
	out := Params{}
	for key, value := range t {
		out[key] = value
	}
	return out
}

// tagFault says what is wrong with tags that shall join old ones: a key that AWS
// keeps to itself, or more than an object may have (General Reference, "Tag
// naming limits and requirements"). It is "" if nothing is.
func tagFault(old, fresh tagSet, most int) string {
	for key := range fresh {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return "aws: prefixed tag key names are not allowed for external use."
		}
	}
	all := maps.Clone(fresh)
	maps.Copy(all, old)
	if len(all) > most {
		return "The maximum number of tags on a resource is exceeded."
	}
	return ""
}

// repeatedKey returns a key that a list of tags has twice, or "".
func repeatedKey(in Params, member string) string {
	seen := map[string]bool{}
	for _, tag := range structures(in, member) {
		if seen[text(tag, "Key")] {
			return text(tag, "Key")
		}
		seen[text(tag, "Key")] = true
	}
	return ""
}

// mostTags is how many tags most services allow on one object.
const mostTags = 50

// tagging are the three operations on tags of a service that has them in the
// usual form. Services differ in the members' names and the faults' codes.
type tagging struct {
	arn, tags, keys string // the members' names
	mapped          bool   // tags are a map, not a list
	invalid, many   string // codes of faults
	find            func(c *Call, arn string) (tagSet, error)
}

func (t tagging) handlers() map[string]Handler {
	return map[string]Handler{"TagResource": t.tag, "UntagResource": t.untag, "ListTagsForResource": t.show}
}

func (t tagging) read(in Params) tagSet {
	if t.mapped {
		return tagMapIn(in, t.tags)
	}
	return tagsIn(in, t.tags)
}

func (t tagging) tag(c *Call) (Params, error) {
	old, err := t.find(c, text(c.In, t.arn))
	if err != nil {
		return nil, err
	}
	fresh := t.read(c.In)
	if err := t.check(c.In, old); err != nil {
		return nil, err
	}
	maps.Copy(old, fresh)
	return Params{}, nil
}

// check refuses tags that must not join the old ones.
func (t tagging) check(in Params, old tagSet) error {
	if key := repeatedKey(in, t.tags); key != "" {
		return fault(t.invalid, "Duplicate tag keys found: %s", key)
	}
	words := tagFault(old, t.read(in), mostTags)
	switch {
	case words == "":
		return nil
	case strings.HasPrefix(words, "aws:"):
		return fault(t.invalid, "%s", words)
	}
	return fault(t.many, "%s", words)
}

func (t tagging) untag(c *Call) (Params, error) {
	old, err := t.find(c, text(c.In, t.arn))
	if err != nil {
		return nil, err
	}
	for _, key := range texts(c.In, t.keys) {
		delete(old, key)
	}
	return Params{}, nil
}

func (t tagging) show(c *Call) (Params, error) {
	tags, err := t.find(c, text(c.In, t.arn))
	if err != nil {
		return nil, err
	}
	if t.mapped {
		return Params{t.tags: tags.mapped()}, nil
	}
	return Params{t.tags: tags.list()}, nil
}
