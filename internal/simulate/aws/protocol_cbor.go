package aws

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// cborProtocol is Smithy's RPC v2 over CBOR: the operation is the end of the path.
type cborProtocol struct{}

func (cborProtocol) decode(m *Model, r *http.Request, body []byte) (string, Params, error) {
	operation := path.Base(r.URL.Path)
	if !strings.Contains(r.URL.Path, "/operation/") {
		return "", nil, fmt.Errorf("no operation is at %s", r.URL.Path)
	}
	var raw map[string]any
	if len(body) > 0 {
		mode, err := cbor.DecOptions{DefaultMapType: reflect.TypeFor[map[string]any]()}.DecMode()
		if err != nil {
			return "", nil, err
		}
		if err := mode.Unmarshal(body, &raw); err != nil {
			return "", nil, &Fault{Code: "SerializationException", Message: err.Error()}
		}
	}
	in := Params{}
	if ref := m.Operations[operation].Input; ref != nil && raw != nil {
		in, _ = m.fromWire(ref.Shape, numbers(raw)).(map[string]any)
	}
	return operation, in, nil
}

// numbers makes CBOR's numbers what JSON's are.
func numbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = numbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = numbers(item)
		}
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	case big.Int:
		return json.Number(v.String())
	case time.Time:
		return v.UTC()
	}
	return value
}

func (cborProtocol) encode(m *Model, operation string, out Params, _ string, rw http.ResponseWriter) error {
	rw.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	rw.Header().Set("Content-Type", "application/cbor")
	ref := m.Operations[operation].Output
	if ref == nil {
		return nil
	}
	mode, err := cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode()
	if err != nil {
		return err
	}
	return mode.NewEncoder(rw).Encode(m.toCBOR(ref.Shape, orEmpty(out)))
}

// toCBOR gives numbers the types of their shapes; times and bytes are CBOR's own.
func (m *Model) toCBOR(shape string, value any) any {
	s := m.Shapes[shape]
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			if item == nil {
				continue
			}
			of := s.Value.Shape
			if s.Type == "structure" {
				of = s.Members[name].Shape
			}
			out[name] = m.toCBOR(of, item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.toCBOR(s.Member.Shape, item)
		}
		return out
	case json.Number:
		if n, err := v.Int64(); err == nil && (s.Type == "integer" || s.Type == "long") {
			return n
		}
		f, _ := v.Float64()
		return f
	}
	if n, ok := toFloat(value); ok && (s.Type == "float" || s.Type == "double") {
		return n
	}
	return value
}

func (cborProtocol) refuse(f *Fault, _ string, rw http.ResponseWriter) {
	rw.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	rw.Header().Set("Content-Type", "application/cbor")
	rw.WriteHeader(f.status())
	b, err := cbor.Marshal(map[string]string{"__type": f.Code, "message": f.Message})
	if err == nil {
		_, _ = rw.Write(b)
	}
}
