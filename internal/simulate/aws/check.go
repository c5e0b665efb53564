package aws

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Violation is a place in a message that does not keep to the model.
type Violation struct {
	Path    string
	Problem string
	// Newer says that the model may only be older than the message: it does not
	// know the member or the value. The services accept such things.
	Newer bool
}

// String is the path and the problem.
func (v Violation) String() string { return v.Path + ": " + v.Problem }

// Check holds a value to a shape of the model: required members, lengths, ranges,
// patterns, enumerations and types.
func (m *Model) Check(shape string, value any) []Violation {
	c := checker{model: m}
	c.check("", shape, value)
	return c.found
}

type checker struct {
	model *Model
	found []Violation
}

func (c *checker) addf(path, format string, args ...any) {
	c.found = append(c.found, Violation{Path: path, Problem: fmt.Sprintf(format, args...)})
}

func (c *checker) newerf(path, format string, args ...any) {
	c.found = append(c.found, Violation{Path: path, Problem: fmt.Sprintf(format, args...), Newer: true})
}

// check looks at a value of any shape. Absent values are for their parents to
// miss.
func (c *checker) check(path, name string, value any) {
	s, ok := c.model.Shapes[name]
	if !ok || value == nil {
		return
	}
	switch s.Type {
	case "structure":
		c.structure(path, s, value)
	case "list":
		c.list(path, s, value)
	case "map":
		c.mapping(path, s, value)
	case "string":
		c.text(path, s, value)
	case "integer", "long", "float", "double":
		c.number(path, s, value)
	case "boolean":
		if _, ok := value.(bool); !ok {
			c.addf(path, "is a %T, not a boolean", value)
		}
	case "blob":
		if b, ok := value.([]byte); !ok {
			c.addf(path, "is a %T, not bytes", value)
		} else {
			c.size(path, s, len(b), "bytes")
		}
	case "timestamp":
		if _, ok := value.(time.Time); !ok {
			c.addf(path, "is a %T, not a time", value)
		}
	}
}

func (c *checker) structure(path string, s Shape, value any) {
	members, ok := value.(map[string]any)
	if !ok {
		c.addf(path, "is a %T, not a structure", value)
		return
	}
	for _, name := range s.Required {
		if members[name] == nil {
			c.addf(join(path, name), "is required")
		}
	}
	set := 0
	for _, name := range slices.Sorted(maps.Keys(members)) {
		ref, known := s.Members[name]
		if !known {
			c.newerf(join(path, name), "is no member")
			continue
		}
		if members[name] != nil {
			set++
		}
		c.check(join(path, name), ref.Shape, members[name])
	}
	if s.Union && set != 1 {
		c.addf(path, "has %d members set, and must have one", set)
	}
}

func (c *checker) list(path string, s Shape, value any) {
	items, ok := value.([]any)
	if !ok {
		c.addf(path, "is a %T, not a list", value)
		return
	}
	c.size(path, s, len(items), "items")
	for i, item := range items {
		c.check(path+"["+strconv.Itoa(i)+"]", s.Member.Shape, item)
	}
}

func (c *checker) mapping(path string, s Shape, value any) {
	entries, ok := value.(map[string]any)
	if !ok {
		c.addf(path, "is a %T, not a map", value)
		return
	}
	c.size(path, s, len(entries), "entries")
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		c.check(path+" key", s.Key.Shape, key)
		c.check(path+"["+strconv.Quote(key)+"]", s.Value.Shape, entries[key])
	}
}

func (c *checker) text(path string, s Shape, value any) {
	text, ok := value.(string)
	if !ok {
		c.addf(path, "is a %T, not a string", value)
		return
	}
	c.size(path, s, utf8.RuneCountInString(text), "characters")
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		c.newerf(path, "%q is none of %q", text, s.Enum)
	}
	if s.Pattern == "" {
		return
	}
	re, err := pattern(s.Pattern)
	if err != nil {
		c.addf(path, "has a pattern that cannot be compiled, %s: %v", s.Pattern, err)
		return
	}
	if ok, err := re.MatchString(text); err != nil || !ok {
		c.addf(path, "%q does not match %s", text, s.Pattern)
	}
}

func (c *checker) number(path string, s Shape, value any) {
	n, ok := toFloat(value)
	if !ok {
		c.addf(path, "is a %T, not a number", value)
		return
	}
	if s.Min != nil && n < *s.Min {
		c.addf(path, "is %v, and at least %v", n, *s.Min)
	}
	if s.Max != nil && n > *s.Max {
		c.addf(path, "is %v, and at most %v", n, *s.Max)
	}
}

func (c *checker) size(path string, s Shape, n int, unit string) {
	if s.Min != nil && float64(n) < *s.Min {
		c.addf(path, "has %d %s, and at least %v", n, unit, *s.Min)
	}
	if s.Max != nil && float64(n) > *s.Max {
		c.addf(path, "has %d %s, and at most %v", n, unit, *s.Max)
	}
}

// toFloat is a number of any type that stands for one.
func toFloat(value any) (float64, bool) {
	switch n := value.(type) {
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case int:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

var patterns sync.Map // of text to *regexp2.Regexp: the models have hundreds, used over and over

// pattern compiles a model's pattern for the whole string, as the services match
// it. Some are not of the kind that the standard library knows. The models write
// Java's \p{Alnum} and the like, which mean ASCII, and characters beyond the first
// 65,536 as pairs of surrogates.
func pattern(text string) (*regexp2.Regexp, error) {
	if re, ok := patterns.Load(text); ok {
		return re.(*regexp2.Regexp), nil //nolint:forcetypeassert // nothing else is stored
	}
	re, err := regexp2.Compile(`\A(?:`+posix.Replace(text)+`)\z`, regexp2.None)
	if err == nil {
		patterns.Store(text, re)
	}
	return re, err
}

// posix writes Java's classes of ASCII characters as what they mean.
var posix = strings.NewReplacer(
	`[\p{Alnum}`, `[a-zA-Z0-9`, `\p{Alnum}`, `[a-zA-Z0-9]`, `\p{Alpha}`, `[a-zA-Z]`, `\p{ASCII}`, `[\x00-\x7F]`, `\p{Print}`, `[\x20-\x7E]`,
	`\uD800\uDC00-\uDBFF\uDFFF`, "\U00010000-\U0010FFFF",
)
