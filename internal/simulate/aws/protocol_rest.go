package aws

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// restProtocol is REST with bodies of JSON: the operation is the method and the
// path, and members may stand in path, query, headers or body.
type restProtocol struct{ jsonProtocol }

func (p restProtocol) decode(m *Model, r *http.Request, body []byte) (string, Params, error) {
	for name, operation := range m.Operations {
		labels, ok := matchPath(operation.HTTP.RequestURI, r.URL.EscapedPath())
		if !ok || operation.HTTP.Method != r.Method {
			continue
		}
		in, err := m.restInput(name, r, body)
		for label, value := range labels {
			in[m.memberAt(operation.Input, "uri", label)] = value
		}
		return name, in, err
	}
	return "", nil, fmt.Errorf("no operation is at %s %s", r.Method, r.URL.Path)
}

// restInput reads what is not in the path.
func (m *Model) restInput(operation string, r *http.Request, body []byte) (Params, error) {
	ref := m.Operations[operation].Input
	if ref == nil {
		return Params{}, nil
	}
	shape := m.Shapes[ref.Shape]
	in := Params{}
	if shape.Payload == "" {
		var err error
		if in, err = m.decodeJSON(operation, body); err != nil {
			return Params{}, err
		}
	} else if m.Shapes[shape.Members[shape.Payload].Shape].Type == "blob" {
		in[shape.Payload] = body
	}
	for name, member := range shape.Members {
		switch member.Location {
		case "header":
			if v := r.Header.Get(member.LocationName); v != "" {
				in[name] = m.scalar(member.Shape, v)
			}
		case "querystring":
			if v := r.URL.Query().Get(member.LocationName); v != "" {
				in[name] = m.scalar(member.Shape, v)
			}
		}
	}
	return in, nil
}

// memberAt is the member that stands at a place by another name.
func (m *Model) memberAt(input *Ref, location, label string) string {
	if input != nil {
		for name, member := range m.Shapes[input.Shape].Members {
			if member.Location == location && member.LocationName == label {
				return name
			}
		}
	}
	return label
}

// matchPath takes the labels out of a path: "/schedules/{Name}".
func matchPath(template, path string) (map[string]string, bool) {
	template, _, _ = strings.Cut(template, "?")
	want, have := strings.Split(strings.Trim(template, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	if len(want) != len(have) {
		return nil, false
	}
	labels := map[string]string{}
	for i, w := range want {
		if !strings.HasPrefix(w, "{") {
			if w != have[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(have[i])
		if err != nil {
			return nil, false
		}
		labels[strings.Trim(w, "{}+")] = value
	}
	return labels, true
}

func (p restProtocol) encode(m *Model, operation string, out Params, request string, rw http.ResponseWriter) error {
	ref := m.Operations[operation].Output
	if ref == nil {
		return p.jsonProtocol.encode(m, operation, out, request, rw)
	}
	shape := m.Shapes[ref.Shape]
	body := Params{}
	for name, value := range out {
		if member := shape.Members[name]; member.Location == "header" {
			rw.Header().Set(member.LocationName, fmt.Sprint(value))
		} else {
			body[name] = value
		}
	}
	if blob, ok := body[shape.Payload].([]byte); ok {
		_, err := rw.Write(blob)
		return err
	}
	return p.jsonProtocol.encode(m, operation, body, request, rw)
}
