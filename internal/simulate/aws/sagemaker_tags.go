package aws

import (
	"maps"
	"slices"
	"strings"
)

// smMaxTags is how many tags an object may have (API reference, AddTags).
const smMaxTags = 50

func (w *World) smTagHandlers() map[string]Handler {
	return map[string]Handler{
		"AddTags":    w.smAddTags,
		"ListTags":   w.smListTags,
		"DeleteTags": w.smDeleteTags,
	}
}

func (w *World) smAddTags(c *Call) (Params, error) {
	o, err := w.taggable(text(c.In, "ResourceArn"))
	if err != nil {
		return nil, err
	}
	if err := smTagFault(c.In); err != nil {
		return nil, err
	}
	fresh := maps.Clone(o.tags)
	maps.Copy(fresh, smTagsOf(c.In))
	if len(fresh) > smMaxTags {
		return nil, fault("ValidationException", "Too many tags: %d, and at most %d are allowed.", len(fresh), smMaxTags)
	}
	o.tags = fresh
	return Params{"Tags": smTagList(fresh)}, nil
}

func (w *World) smListTags(c *Call) (Params, error) {
	o, err := w.byARN(text(c.In, "ResourceArn"))
	if err != nil {
		return nil, err
	}
	return smPage(c.In, "Tags", smTagList(w.tagsOf(o)), smMaxTags, func(t any) Params { p, _ := t.(Params); return p })
}

func (w *World) smDeleteTags(c *Call) (Params, error) {
	o, err := w.taggable(text(c.In, "ResourceArn"))
	if err != nil {
		return nil, err
	}
	fresh := maps.Clone(o.tags)
	for _, key := range texts(c.In, "TagKeys") {
		delete(fresh, key)
	}
	o.tags = fresh
	return Params{}, nil
}

// byARN returns the object with an ARN.
func (w *World) byARN(arn string) (*smObject, error) {
	if o := w.sm().objects[arn]; o != nil {
		return o, nil
	}
	kind := ""
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		kind, _, _ = strings.Cut(parts[5], "/")
	}
	return nil, smMissing(kind, arn)
}

// taggable returns an object whose tags may be changed. Versioned model packages
// have none of their own: they use their group's (API reference, AddTags and
// CreateModelPackage).
func (w *World) taggable(arn string) (*smObject, error) {
	o, err := w.byARN(arn)
	if err != nil {
		return nil, err
	}
	if o.kind == smPackage && smVersion(o) > 0 {
		return nil, fault("ValidationException", "Tagging a model package version is not supported: %s uses the tags of its model package group.", arn)
	}
	return o, nil
}

// tagsOf are the tags that an object shows.
func (w *World) tagsOf(o *smObject) map[string]string {
	if o.kind != smPackage || smVersion(o) == 0 {
		return o.tags
	}
	if group := w.sm().objects[smGroupOf(o)]; group != nil {
		return group.tags
	}
	return nil
}

// smTagFault refuses tags that the service refuses in any request: two of one key,
// and keys that AWS keeps to itself (General Reference, tagging).
func smTagFault(in Params) error {
	seen := map[string]bool{}
	for _, tag := range structures(in, "Tags") {
		key := text(tag, "Key")
		if seen[key] {
			return fault("ValidationException", "Duplicate tag keys found: %s", key)
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return fault("ValidationException", "aws: prefixed tag key names are not allowed for external use.")
		}
		seen[key] = true
	}
	return nil
}

// smTagsOf reads the member Tags.
func smTagsOf(in Params) map[string]string {
	tags := map[string]string{}
	for _, tag := range structures(in, "Tags") {
		tags[text(tag, "Key")] = text(tag, "Value")
	}
	return tags
}

// smTagList writes tags as the service lists them, in the order of their keys.
func smTagList(tags map[string]string) []any {
	out := make([]any, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, Params{"Key": key, "Value": tags[key]})
	}
	return out
}
