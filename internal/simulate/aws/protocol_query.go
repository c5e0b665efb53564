package aws

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queryProtocol is the oldest: a form as the request, XML as the answer.
type queryProtocol struct{}

func (queryProtocol) decode(m *Model, _ *http.Request, body []byte) (string, Params, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", nil, err
	}
	operation := form.Get("Action")
	in := Params{}
	if ref := m.Operations[operation].Input; ref != nil {
		in = m.formStructure(ref.Shape, "", form)
	}
	return operation, in, nil
}

// formStructure reads the members of a structure, whose names begin with a
// prefix.
func (m *Model) formStructure(shape, prefix string, form url.Values) Params {
	out := Params{}
	for name, ref := range m.Shapes[shape].Members {
		if v := m.formValue(ref, prefix+cmp.Or(ref.LocationName, name), form); v != nil {
			out[name] = v
		}
	}
	return out
}

// formValue reads a value of any shape, or nil where the form has none.
func (m *Model) formValue(ref Ref, at string, form url.Values) any {
	s := m.Shapes[ref.Shape]
	switch s.Type {
	case "structure":
		if !hasPrefixIn(form, at+".") {
			return nil
		}
		return m.formStructure(ref.Shape, at+".", form)
	case "list":
		return m.formList(s, ref, at, form)
	case "map":
		return m.formMap(s, ref, at, form)
	}
	values, ok := form[at]
	if !ok {
		return nil
	}
	return m.scalar(ref.Shape, values[0])
}

func (m *Model) formList(s Shape, ref Ref, at string, form url.Values) any {
	if v, ok := form[at]; ok && v[0] == "" {
		return []any{}
	}
	if !s.Flattened && !ref.Flattened {
		at += "." + cmp.Or(s.Member.LocationName, "member")
	}
	var out []any
	for i := 1; ; i++ {
		v := m.formValue(Ref{Shape: s.Member.Shape}, at+"."+strconv.Itoa(i), form)
		if v == nil {
			break
		}
		out = append(out, v)
	}
	if out == nil {
		return nil
	}
	return out
}

func (m *Model) formMap(s Shape, ref Ref, at string, form url.Values) any {
	if !s.Flattened && !ref.Flattened {
		at += ".entry"
	}
	out := map[string]any{}
	for i := 1; ; i++ {
		entry := at + "." + strconv.Itoa(i) + "."
		key, ok := form[entry+cmp.Or(s.Key.LocationName, "key")]
		if !ok {
			break
		}
		out[key[0]] = m.formValue(Ref{Shape: s.Value.Shape}, entry+cmp.Or(s.Value.LocationName, "value"), form)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func hasPrefixIn(form url.Values, prefix string) bool {
	for key := range form {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// scalar gives text the type of its shape. What does not fit stays text, for the
// check to find.
func (m *Model) scalar(shape, text string) any {
	switch m.Shapes[shape].Type {
	case "integer", "long", "float", "double":
		return json.Number(text)
	case "boolean":
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case "blob":
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			return b
		}
	case "timestamp":
		for _, layout := range []string{time.RFC3339, http.TimeFormat} {
			if t, err := time.Parse(layout, text); err == nil {
				return t
			}
		}
	}
	return text
}

func (queryProtocol) encode(m *Model, operation string, out Params, request string, rw http.ResponseWriter) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<%sResponse xmlns=%q>`, operation, m.Metadata.XMLNamespace)
	if ref := m.Operations[operation].Output; ref != nil {
		wrapper := cmp.Or(ref.ResultName, operation+"Result")
		b.WriteString("<" + wrapper + ">")
		m.writeMembers(&b, ref.Shape, out)
		b.WriteString("</" + wrapper + ">")
	}
	fmt.Fprintf(&b, `<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, request, operation)
	rw.Header().Set("Content-Type", "text/xml")
	_, err := rw.Write([]byte(b.String()))
	return err
}

func (m *Model) writeMembers(b *strings.Builder, shape string, out Params) {
	members := m.Shapes[shape].Members
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if ref := members[name]; out[name] != nil {
			m.writeXML(b, ref, cmp.Or(ref.LocationName, name), out[name])
		}
	}
}

// writeXML writes a value of any shape as an element.
func (m *Model) writeXML(b *strings.Builder, ref Ref, tag string, value any) {
	s := m.Shapes[ref.Shape]
	flat := s.Flattened || ref.Flattened
	switch v := value.(type) {
	case []any:
		item := cmp.Or(s.Member.LocationName, "member")
		if flat {
			item = tag
		}
		element(b, tag, flat, func() {
			for _, e := range v {
				m.writeXML(b, Ref{Shape: s.Member.Shape}, item, e)
			}
		})
	case map[string]any:
		if s.Type != "map" {
			element(b, tag, false, func() { m.writeMembers(b, ref.Shape, v) })
			return
		}
		element(b, tag, flat, func() {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				element(b, "entry", false, func() {
					m.writeXML(b, Ref{Shape: s.Key.Shape}, cmp.Or(s.Key.LocationName, "key"), key)
					m.writeXML(b, Ref{Shape: s.Value.Shape}, cmp.Or(s.Value.LocationName, "value"), v[key])
				})
			}
		})
	default:
		element(b, tag, false, func() { _ = xml.EscapeText(b, []byte(scalarText(value))) }) // a builder never fails
	}
}

// element writes a tag around content, unless the content is flat.
func element(b *strings.Builder, tag string, flat bool, content func()) {
	if flat {
		content()
		return
	}
	b.WriteString("<" + tag + ">")
	content()
	b.WriteString("</" + tag + ">")
}

func scalarText(value any) string {
	switch v := value.(type) {
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return fmt.Sprint(value)
}

func (queryProtocol) refuse(f *Fault, request string, rw http.ResponseWriter) {
	kind := "Sender"
	if f.status() >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>`, kind, f.Code)
	_ = xml.EscapeText(&b, []byte(f.Message))
	fmt.Fprintf(&b, `</Message></Error><RequestId>%s</RequestId></ErrorResponse>`, request)
	rw.Header().Set("Content-Type", "text/xml")
	rw.WriteHeader(f.status())
	_, _ = rw.Write([]byte(b.String()))
}
