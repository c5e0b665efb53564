package aws

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// smPageSize is how many a list returns unless told: 10, as the API reference says
// for each list of the service.
const smPageSize = 10

// listed returns the objects of a kind that a list operation asks for and keep (all
// if nil) lets pass, in the operation's order: by time of creation, newest first, unless told, as the API reference says.
// Only the first page counts as a look.
func (w *World) listed(c *Call, kind string, keep func(*smObject) bool) []*smObject {
	found := w.all(c, kind)
	if keep != nil {
		found = slices.DeleteFunc(found, func(o *smObject) bool { return !keep(o) })
	}
	if text(c.In, "NextToken") == "" {
		for _, o := range found {
			w.look(o, c.Time)
		}
	}
	found = slices.DeleteFunc(found, func(o *smObject) bool { return !smListed(c.In, o) })
	byName := text(c.In, "SortBy") == "Name"
	slices.SortStableFunc(found, func(a, b *smObject) int {
		if byName {
			return cmp.Compare(a.name, b.name)
		}
		return cmp.Compare(a.number, b.number)
	})
	if text(c.In, "SortOrder") != "Ascending" {
		slices.Reverse(found)
	}
	return found
}

// smListed reports whether an object passes the filters that lists share.
func smListed(in Params, o *smObject) bool {
	within := func(at time.Time, after, before string) bool {
		from, bounded := in[after].(time.Time)
		if bounded && !at.After(from) {
			return false
		}
		to, bounded := in[before].(time.Time)
		return !bounded || at.Before(to)
	}
	status := text(in, "StatusEquals")
	return strings.Contains(strings.ToLower(o.name), strings.ToLower(text(in, "NameContains"))) &&
		(status == "" || status == o.status) &&
		within(o.created, "CreationTimeAfter", "CreationTimeBefore") &&
		within(o.created, "CreatedAfter", "CreatedBefore") &&
		within(o.modified, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
}

// smPage cuts one page out of a list: its members under name, and NextToken if
// more follow.
func smPage[T any](in Params, name string, found []T, absent int64, show func(T) Params) (Params, error) {
	from, err := smOffset(in)
	if err != nil {
		return nil, err
	}
	from = min(from, len(found))
	to := min(from+int(number(in, "MaxResults", absent)), len(found))
	page := make([]any, 0, to-from)
	for _, e := range found[from:to] {
		page = append(page, show(e))
	}
	out := Params{name: page}
	if to < len(found) {
		out["NextToken"] = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	return out, nil
}

// smOffset reads a token that smPage wrote.
func smOffset(in Params) (int, error) {
	token := text(in, "NextToken")
	if token == "" {
		return 0, nil
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		if n, err := strconv.Atoi(string(raw)); err == nil && n >= 0 {
			return n, nil
		}
	}
	return 0, fault("ValidationException", "Invalid NextToken.")
}
