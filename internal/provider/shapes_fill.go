package provider

import "reflect"

// fillMembers decodes an object's members, all known, into a model. It reports whether
// it could: what it does not know how to decode, it leaves to the framework. Members
// that are null stay nil.
func (s shapes) fillMembers(object packed, m reflect.Value) bool {
	fields := s[m.Type()]
	return object.eachMember(func(name []byte, v packed) bool {
		if v.null() {
			return true
		}
		at, ok := fields[string(name)]
		return ok && s.fill(v, m.FieldByIndex(at))
	})
}

// fill decodes a value that is neither null nor unknown.
func (s shapes) fill(v packed, to reflect.Value) bool {
	if v.null() || !v.known() {
		return false
	}
	switch to.Kind() { //nolint:exhaustive // models have no others
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return s.fill(v, to.Elem())
	case reflect.Map:
		return s.fillMap(v, to)
	case reflect.Slice:
		return s.fillList(v, to)
	case reflect.Struct:
		return s.fillMembers(v, to)
	}
	return fillScalar(v, to)
}

func (s shapes) fillMap(v packed, to reflect.Value) bool {
	to.Set(reflect.MakeMapWithSize(to.Type(), max(v.size(), 0)))
	return v.eachMember(func(key []byte, member packed) bool {
		entry := reflect.New(to.Type().Elem()).Elem()
		if !s.fill(member, entry) {
			return false
		}
		to.SetMapIndex(reflect.ValueOf(string(key)), entry)
		return true
	})
}

func (s shapes) fillList(v packed, to reflect.Value) bool {
	n := max(v.size(), 0)
	to.Set(reflect.MakeSlice(to.Type(), n, n))
	return v.eachElement(func(i int, element packed) bool { return s.fill(element, to.Index(i)) })
}

func fillScalar(v packed, to reflect.Value) bool {
	switch to.Kind() { //nolint:exhaustive // as above
	case reflect.String:
		text, ok := v.text()
		to.SetString(string(text))
		return ok
	case reflect.Bool:
		is, ok := v.boolean()
		to.SetBool(is)
		return ok
	case reflect.Int64:
		n, ok := v.whole()
		to.SetInt(n)
		return ok
	case reflect.Float64:
		f, ok := v.float()
		to.SetFloat(f)
		return ok
	}
	return false
}
