package drift

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// bucketCount is into how many buckets categories are hashed where there are too
// many to tell apart. What is in a bucket does not depend on what is common in
// the baseline. To compare the baseline's most common categories would cry wolf:
// some of them are there by chance, and are less common in any later window.
const bucketCount = 64

// maxText is the length of a category in bytes from which on it is kept by its
// beginning and a hash.
const maxText = 128

// tally counts categories, in bounded memory.
type tally struct {
	counts   map[string]*int64
	most     int     // categories told apart
	overflow []int64 // by bucket, of those that came too late; nil if none did
}

func newTally(most int) *tally { return &tally{counts: map[string]*int64{}, most: most} }

// add counts values of one category.
func (t *tally) add(v string, n int64) {
	if at, known := t.counts[v]; known {
		*at += n
		return
	}
	key := keyOf(v)
	at, known := t.counts[key]
	switch {
	case known:
		*at += n
	case len(t.counts) < t.most:
		// A copy, because the value may be cut from a long line.
		t.counts[strings.Clone(key)] = &n
	default:
		t.spill(bucketOf(key), n)
	}
}

// spill counts values that there is no place for but a bucket.
func (t *tally) spill(bucket int, n int64) {
	if t.overflow == nil {
		t.overflow = make([]int64, bucketCount)
	}
	t.overflow[bucket] += n
}

// names returns the categories that are told apart, in order.
func (t *tally) names() []string { return slices.Sorted(maps.Keys(t.counts)) }

// buckets returns all counts by bucket.
func (t *tally) buckets() []int64 {
	out := make([]int64, bucketCount)
	copy(out, t.overflow)
	for name, n := range t.counts {
		out[bucketOf(name)] += *n
	}
	return out
}

// keyOf is the form in which a category is remembered: bounded, and valid in JSON.
func keyOf(v string) string {
	if len(v) > maxText {
		v = v[:maxText] + "…" + strconv.FormatUint(hash(v), 16) //nolint:mnd // hexadecimal
	}
	return strings.ToValidUTF8(v, "\uFFFD")
}

// bucketOf is the same in every process, for profiles are stored.
func bucketOf(key string) int { return int(hash(key) % bucketCount) }

// hash is FNV-1a, in which the high bits are mixed better than the low ones.
func hash(s string) uint64 {
	const offset, prime, half = 14695981039346656037, 1099511628211, 32
	h := uint64(offset)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime
	}
	return h ^ h>>half
}

// categoryFrequencies returns counts by category where both samples tell all of
// them apart, else by bucket.
func (k *watched) categoryFrequencies() (base, now []float64) {
	if k.base.Buckets == nil && k.seen.overflow == nil {
		return k.byCategory()
	}
	buckets := k.base.Buckets
	if buckets == nil {
		buckets = make([]int64, bucketCount)
		for name, n := range k.base.Categories {
			buckets[bucketOf(name)] += n
		}
	}
	for i, n := range k.seen.buckets() {
		if n+buckets[i] > 0 {
			base, now = append(base, float64(buckets[i])), append(now, float64(n))
		}
	}
	return base, now
}

// byCategory goes by name: sums of fractions depend on the order.
func (k *watched) byCategory() (base, now []float64) {
	for _, name := range k.seen.names() { // has those of the baseline
		base = append(base, float64(k.base.Categories[name]))
		now = append(now, float64(*k.seen.counts[name]))
	}
	return base, now
}
