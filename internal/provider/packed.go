package provider

import (
	"strconv"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/tinylib/msgp/msgp"
)

// packed is a value as Terraform sent it. It is looked into where it is: tftypes makes
// a tree of each, checks every branch by its type and keeps the path to it, which of a
// thousand objects was most of what a refresh cost. Whether it is of the type that a
// schema has is for who looks to see, by what is found; what is not as expected is the
// framework's to report.
type packed []byte

// packedOf is a value in the one encoding that Terraform sends; nil where it is none.
func packedOf(v *tfprotov6.DynamicValue) packed {
	if v == nil || len(v.MsgPack) == 0 {
		return nil
	}
	if rest, err := msgp.Skip(v.MsgPack); err != nil || len(rest) > 0 {
		return nil
	}
	return v.MsgPack
}

// null reports whether a value is null, or is not there.
func (v packed) null() bool { return len(v) == 0 || msgp.NextType(v) == msgp.NilType }

// known reports whether a value is known itself; what is in it may not be.
func (v packed) known() bool {
	switch msgp.NextType(v) { //nolint:exhaustive // all others are values
	case msgp.ExtensionType, msgp.TimeType, msgp.Complex64Type, msgp.Complex128Type, msgp.InvalidType:
		return len(v) == 0
	}
	return true
}

// text is a string, in place.
func (v packed) text() (text []byte, ok bool) {
	if msgp.NextType(v) != msgp.StrType {
		return nil, false
	}
	text, _, err := msgp.ReadStringZC(v)
	return text, err == nil
}

// words is a string's text, or "".
func (v packed) words() string {
	text, _ := v.text()
	return string(text)
}

func (v packed) boolean() (is, ok bool) {
	is, _, err := msgp.ReadBoolBytes(v)
	return is, err == nil
}

// whole is a number without a fraction, of those that are sent as such.
func (v packed) whole() (n int64, ok bool) {
	switch msgp.NextType(v) { //nolint:exhaustive // others are not whole
	case msgp.IntType, msgp.UintType:
		n, _, err := msgp.ReadInt64Bytes(v)
		return n, err == nil
	}
	return 0, false
}

// float is the nearest float of a number. Those that no float is exactly, such as 0.1,
// Terraform sends as text; to the framework, too, they are the float that they are near.
func (v packed) float() (f float64, ok bool) {
	switch msgp.NextType(v) { //nolint:exhaustive // others are not numbers
	case msgp.Float64Type, msgp.Float32Type:
		f, _, err := msgp.ReadFloat64Bytes(v)
		return f, err == nil
	case msgp.StrType:
		f, err := strconv.ParseFloat(v.words(), 64)
		return f, err == nil
	}
	n, ok := v.whole()
	const exact = 1 << 53
	return float64(n), ok && n >= -exact && n <= exact
}

// size is how many members or elements there are, -1 where it is no such value.
func (v packed) size() int {
	switch msgp.NextType(v) { //nolint:exhaustive // others have none
	case msgp.MapType:
		n, _, _ := msgp.ReadMapHeaderBytes(v)
		return int(n)
	case msgp.ArrayType:
		n, _, _ := msgp.ReadArrayHeaderBytes(v)
		return int(n)
	}
	return -1
}

// eachMember calls do with the members of an object or a map until it returns false. It
// reports whether it is one and do always returned true.
func (v packed) eachMember(do func(name []byte, member packed) bool) bool {
	if msgp.NextType(v) != msgp.MapType {
		return false
	}
	n, rest, err := msgp.ReadMapHeaderBytes(v)
	for ; n > 0 && err == nil; n-- {
		var name, after []byte
		if name, rest, err = msgp.ReadMapKeyZC(rest); err != nil {
			break
		}
		if after, err = msgp.Skip(rest); err != nil {
			break
		}
		if !do(name, packed(rest[:len(rest)-len(after)])) {
			return false
		}
		rest = after
	}
	return err == nil
}

// eachElement calls do with the elements of a list or a set in their order, as
// eachMember does.
func (v packed) eachElement(do func(i int, element packed) bool) bool {
	if msgp.NextType(v) != msgp.ArrayType {
		return false
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(v)
	for i := 0; i < int(n) && err == nil; i++ {
		var after []byte
		if after, err = msgp.Skip(rest); err != nil {
			break
		}
		if !do(i, packed(rest[:len(rest)-len(after)])) {
			return false
		}
		rest = after
	}
	return err == nil
}

// member is one member of an object or a map; nil where there is none such, which is null.
func (v packed) member(name string) packed {
	var found packed
	v.eachMember(func(key []byte, member packed) bool {
		if string(key) == name {
			found = member
		}
		return found == nil
	})
	return found
}

// value is the value as the framework has it.
func (v packed) value(kind tftypes.Type) (tftypes.Value, error) {
	return tfprotov6.DynamicValue{MsgPack: v}.Unmarshal(kind)
}
