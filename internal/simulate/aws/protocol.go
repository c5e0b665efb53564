package aws

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// protocol is how one kind of service puts structures into HTTP.
type protocol interface {
	// decode reads the operation and its input. An operation that the request does
	// not name as the protocol asks is an error.
	decode(m *Model, r *http.Request, body []byte) (operation string, in Params, err error)
	// encode writes an answer.
	encode(m *Model, operation string, out Params, request string, rw http.ResponseWriter) error
	// refuse writes an error.
	refuse(f *Fault, request string, rw http.ResponseWriter)
}

// protocolOf tells by the model and the request how a service is spoken to: some
// clients speak a newer protocol than the model names.
func protocolOf(m *Model, r *http.Request) (protocol, error) {
	if r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		return cborProtocol{}, nil
	}
	switch m.Metadata.Protocol {
	case "json":
		return jsonProtocol{}, nil
	case "query":
		return queryProtocol{}, nil
	case "rest-json":
		return restProtocol{}, nil
	}
	return nil, fmt.Errorf("protocol %q is not spoken here", m.Metadata.Protocol)
}

// fromWire gives values that came as JSON or CBOR the types of their shapes:
// bytes, times, and members by their own names. What does not fit is left for the
// check to find.
func (m *Model) fromWire(shape string, value any) any {
	s := m.Shapes[shape]
	switch v := value.(type) {
	case map[string]any:
		return m.entriesFromWire(s, v)
	case []any:
		for i, item := range v {
			v[i] = m.fromWire(s.Member.Shape, item)
		}
		return v
	case string:
		if s.Type == "blob" {
			if b, err := base64.StdEncoding.DecodeString(v); err == nil {
				return b
			}
		}
		if s.Type == "timestamp" {
			if t, err := time.Parse(time.RFC3339, v); err == nil {
				return t
			}
		}
	case json.Number:
		if s.Type == "timestamp" {
			return fromEpoch(v)
		}
	}
	return value
}

func (m *Model) entriesFromWire(s Shape, v map[string]any) any {
	if s.Type == "map" {
		for key, item := range v {
			v[key] = m.fromWire(s.Value.Shape, item)
		}
		return v
	}
	out := make(map[string]any, len(v))
	for name, item := range v {
		member := name
		for own, ref := range s.Members {
			if ref.LocationName == name {
				member = own
			}
		}
		out[member] = m.fromWire(s.Members[member].Shape, item)
	}
	return out
}

// toWire is the reverse of fromWire, for JSON. Members go by their names in a
// message, and absent ones are left out.
func (m *Model) toWire(shape string, value any) any {
	s := m.Shapes[shape]
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			if item == nil {
				continue
			}
			if s.Type == "map" {
				out[name] = m.toWire(s.Value.Shape, item)
				continue
			}
			ref := s.Members[name]
			out[cmp.Or(ref.LocationName, name)] = m.toWire(ref.Shape, item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.toWire(s.Member.Shape, item)
		}
		return out
	case time.Time:
		if s.Format == "iso8601" {
			return v.UTC().Format(time.RFC3339Nano)
		}
		return toEpoch(v)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return value
}

// plain copies an answer, which may be a part of the state, and makes lists and
// maps of Go's own types what the rest works with: handlers may answer []string or
// []map[string]any.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = plain(item)
		}
		return out
	case map[string]string:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = item
		}
		return out
	case []any:
		return items(v)
	case []string:
		return items(v)
	case []map[string]any:
		return items(v)
	}
	return value
}

func items[T any](all []T) []any {
	out := make([]any, len(all))
	for i, item := range all {
		out[i] = plain(item)
	}
	return out
}

// fromEpoch is a time in seconds with fractions, to the millisecond, as the
// services count.
func fromEpoch(n json.Number) any {
	seconds, err := n.Float64()
	if err != nil {
		return n
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
}

func toEpoch(t time.Time) json.Number {
	return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64))
}

// jsonProtocol is AWS JSON 1.0 and 1.1: the operation is in a header.
type jsonProtocol struct{}

func (jsonProtocol) decode(m *Model, r *http.Request, body []byte) (string, Params, error) {
	prefix, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok || prefix != m.Metadata.TargetPrefix {
		return "", nil, fmt.Errorf("the header X-Amz-Target is %q, and must begin with %s", r.Header.Get("X-Amz-Target"), m.Metadata.TargetPrefix)
	}
	in, err := m.decodeJSON(operation, body)
	return operation, in, err
}

// decodeJSON reads a body as an operation's input.
func (m *Model) decodeJSON(operation string, body []byte) (Params, error) {
	in := Params{}
	if len(body) > 0 {
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		if err := d.Decode(&in); err != nil {
			return nil, &Fault{Code: "SerializationException", Message: "the body is not JSON: " + err.Error()}
		}
	}
	if ref := m.Operations[operation].Input; ref != nil {
		typed, _ := m.fromWire(ref.Shape, in).(map[string]any)
		return typed, nil
	}
	return in, nil
}

func (jsonProtocol) encode(m *Model, operation string, out Params, _ string, rw http.ResponseWriter) error {
	rw.Header().Set("Content-Type", "application/x-amz-json-"+cmp.Or(m.Metadata.JSONVersion, "1.1"))
	if ref := m.Operations[operation].Output; ref != nil {
		return json.NewEncoder(rw).Encode(m.toWire(ref.Shape, orEmpty(out)))
	}
	_, err := io.WriteString(rw, "{}")
	return err
}

func orEmpty(p Params) map[string]any {
	if p == nil {
		return map[string]any{}
	}
	return p
}

func (jsonProtocol) refuse(f *Fault, _ string, rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/x-amz-json-1.1")
	rw.Header().Set("X-Amzn-Errortype", f.Code)
	rw.WriteHeader(f.status())
	b, err := json.Marshal(map[string]string{"__type": f.Code, "message": f.Message, "Message": f.Message})
	if err == nil { // texts have a JSON form
		_, _ = rw.Write(b)
	}
}

func (f *Fault) status() int {
	if f.Status == 0 {
		return http.StatusBadRequest
	}
	return f.Status
}
