package mlops

import (
	"fmt"
	"strings"
)

// Path names one value inside a spec, from the spec's root: attribute names
// are strings, map keys are Key, list positions are ints.
type Path []any

// Key is a map key in a Path.
type Key string

// At builds a path: At("steps", Key("train"), "inputs").
func At(parts ...any) Path { return parts }

// With returns the path with more parts behind it; the receiver is unchanged.
func (p Path) With(parts ...any) Path {
	return append(append(Path{}, p...), parts...)
}

// String writes the path as HCL would: steps["train"].inputs.
func (p Path) String() string {
	var b strings.Builder
	for i, part := range p {
		switch v := part.(type) {
		case Key:
			fmt.Fprintf(&b, "[%q]", string(v))
		case int:
			fmt.Fprintf(&b, "[%d]", v)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, v)
		}
	}
	return b.String()
}

// covers reports whether q is p itself or lies below p.
func (p Path) covers(q Path) bool {
	if len(p) > len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}
