package aws

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// arn names an object of the call's account and region.
func (c *Call) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", partitionOf(c.Region), service, c.Region, c.Account, resource)
}

// globalARN names an object of a service that has no regions.
func (c *Call) globalARN(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", partitionOf(c.Region), service, c.Account, resource)
}

// partitionOf is the partition of a region.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// arnPart returns one of the six parts of an ARN, counted from 0, or "".
func arnPart(arn string, n int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ""
	}
	return parts[n]
}

// arnRegion is the region of an ARN, "" for those without one.
func arnRegion(arn string) string { return arnPart(arn, 3) }

// uuidOf is the same identifier for the same words.
func uuidOf(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// keyOf is an identifier as IAM gives them: a prefix and 17 capitals and digits.
func keyOf(prefix string, words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// pageOf cuts one page out of a list, beginning where the token says. The next
// page's token is "" at the end; ok is false if no page has the token.
func pageOf[T any](all []T, token string, size int) (page []T, next string, ok bool) {
	start := 0
	if token != "" {
		raw, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", false
		}
		if start, err = strconv.Atoi(string(raw)); err != nil || start < 0 || start > len(all) {
			return nil, "", false
		}
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = base64.URLEncoding.EncodeToString([]byte(strconv.Itoa(end)))
	}
	return all[start:end], next, true
}

// sorted returns a map's values in the order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// pick copies those members that are there.
func pick(in Params, names ...string) Params {
	out := Params{}
	for _, name := range names {
		if v, ok := in[name]; ok && v != nil {
			out[name] = v
		}
	}
	return out
}

// orElse returns a text member, or another text where it is absent or empty.
func orElse(in Params, name, absent string) string { return cmp.Or(text(in, name), absent) }

// unlessFalse returns a boolean member that is true where it is absent.
func unlessFalse(in Params, name string) bool {
	v, ok := in[name].(bool)
	return v || !ok
}
