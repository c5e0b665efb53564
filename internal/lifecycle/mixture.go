package lifecycle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// nextSuffix marks a new version's variant while it stands beside what it is to
// replace.
const nextSuffix = "-next"

// longestVariant is how long a variant's name may be everywhere.
const longestVariant = 63

// mixture is what was in force and what is asked for, side by side. A variant
// that is in both, unchanged, stands there once.
type mixture struct {
	from, to map[string]mlops.Variant
	names    map[string]string // of a variant of to: its name in the mixture
}

func mixtureOf(from, to map[string]mlops.Variant) mixture {
	m := mixture{from: from, to: to, names: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(to)) {
		former, ok := from[name]
		if ok && sameServer(former, to[name]) {
			m.names[name] = name
			continue
		}
		m.names[name] = m.nextName(name)
	}
	return m
}

// sameServer reports whether two variants are served by the same servers:
// traffic and replicas are moved without starting others.
func sameServer(a, b mlops.Variant) bool {
	return a.Version == b.Version && maps.Equal(a.Env, b.Env) && mlops.DigestOf(a.Compute) == mlops.DigestOf(b.Compute)
}

// nextName is a name that no variant has, on either side. It depends on nothing
// but the names, so that a rollout that is resumed finds its variants.
func (m mixture) nextName(name string) string {
	for n := 1; ; n++ {
		suffix := nextSuffix
		if n > 1 {
			suffix = fmt.Sprintf("%s-%d", nextSuffix, n)
		}
		next := name[:min(len(name), longestVariant-len(suffix))] + suffix
		_, old := m.from[next]
		_, asked := m.to[next]
		if !old && !asked && !slices.Contains(slices.Collect(maps.Values(m.names)), next) {
			return next
		}
	}
}

// fresh lists the variants, as the mixture names them, whose servers are new and
// are to get traffic: there is something to observe of these alone.
func (m mixture) fresh() []string {
	var out []string
	for name, v := range m.to {
		former, ok := m.from[name]
		if v.Traffic > 0 && (!ok || !sameServer(former, v)) {
			out = append(out, m.names[name])
		}
	}
	slices.Sort(out)
	return out
}

// at is the mixture with so many percent of the traffic shared as asked for, and
// the rest as it was.
func (m mixture) at(percent int64) map[string]mlops.Variant {
	out := map[string]mlops.Variant{}
	shares := map[string]int64{} // in hundredths of a percent
	for name, v := range m.from {
		out[name] = v
		shares[name] += (100 - percent) * v.Traffic
	}
	for name, v := range m.to {
		out[m.names[name]] = v
		shares[m.names[name]] += percent * v.Traffic
	}
	for name, traffic := range wholePercents(shares) {
		v := out[name]
		v.Traffic = traffic
		out[name] = v
	}
	return out
}

// wholePercents rounds shares that sum to 100 percent so that they still do: what
// is left after rounding down goes to those that lost most.
func wholePercents(hundredths map[string]int64) map[string]int64 {
	out := map[string]int64{}
	left := int64(100)
	for name, h := range hundredths {
		out[name] = h / 100
		left -= h / 100
	}
	names := slices.SortedFunc(maps.Keys(hundredths), func(a, b string) int {
		return cmp.Or(cmp.Compare(hundredths[b]%100, hundredths[a]%100), cmp.Compare(a, b))
	})
	for i := range left {
		out[names[i]]++
	}
	return out
}
