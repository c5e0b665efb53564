package provider

import "reflect"

// shapes says where in models' structs the attributes are: by type, and attribute.
type shapes map[reflect.Type]map[string][]int

// shapesOf collects the structs of a model, and of all that is in it.
func shapesOf[M any]() shapes {
	s := shapes{}
	s.add(reflect.TypeFor[M]())
	return s
}

func (s shapes) add(t reflect.Type) {
	switch t.Kind() { //nolint:exhaustive // the others have no parts
	case reflect.Pointer, reflect.Slice, reflect.Map:
		s.add(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if _, known := s[t]; known {
		return
	}
	fields := map[string][]int{}
	s[t] = fields
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("tfsdk"); name != "" && name != "-" {
			fields[name] = f.Index
			s.add(f.Type)
		}
	}
}

// sameMembers reports whether a model's object has exactly these members, but for
// those that are passed over. What it cannot compare it takes to be different.
func (s shapes) sameMembers(object packed, model any, pass func(name string, v packed) bool) bool {
	return s.sameObject(object, reflect.ValueOf(model), pass)
}

func (s shapes) sameObject(object packed, m reflect.Value, pass func(name string, v packed) bool) bool {
	fields := s[m.Type()]
	return object.size() == len(fields) && object.eachMember(func(name []byte, v packed) bool {
		at, ok := fields[string(name)]
		return ok && (pass != nil && pass(string(name), v) || s.same(v, m.FieldByIndex(at)))
	})
}

// same reports whether a Go value of a model is encoded as v.
func (s shapes) same(v packed, m reflect.Value) bool {
	if !v.known() {
		return false
	}
	switch m.Kind() { //nolint:exhaustive // models have no others
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if m.IsNil() || v.null() {
			return m.IsNil() && v.null()
		}
	default:
		if v.null() {
			return false
		}
	}
	switch m.Kind() { //nolint:exhaustive // as above
	case reflect.Pointer:
		return s.same(v, m.Elem())
	case reflect.Map:
		return s.sameMap(v, m)
	case reflect.Slice:
		return s.sameList(v, m)
	case reflect.Struct:
		return s.sameObject(v, m, nil)
	}
	return sameScalar(v, m)
}

func (s shapes) sameMap(v packed, m reflect.Value) bool {
	return v.size() == m.Len() && v.eachMember(func(key []byte, member packed) bool {
		have := m.MapIndex(reflect.ValueOf(string(key)))
		return have.IsValid() && s.same(member, have)
	})
}

// sameList compares in order, also sets: of a set in another order it takes no view.
func (s shapes) sameList(v packed, m reflect.Value) bool {
	return v.size() == m.Len() && v.eachElement(func(i int, element packed) bool { return s.same(element, m.Index(i)) })
}

func sameScalar(v packed, m reflect.Value) bool {
	switch m.Kind() { //nolint:exhaustive // models have no others
	case reflect.String:
		text, ok := v.text()
		return ok && string(text) == m.String()
	case reflect.Bool:
		is, ok := v.boolean()
		return ok && is == m.Bool()
	case reflect.Int64:
		n, ok := v.whole()
		return ok && n == m.Int()
	case reflect.Float64:
		f, ok := v.float()
		return ok && f == m.Float()
	}
	return false
}
