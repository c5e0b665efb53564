package provider

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"strconv"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/tinylib/msgp/msgp"
)

// Before a refresh, Terraform has every object of its state's file upgraded, also where
// the file has the present version of the schema. Nothing is to be done then but to
// write JSON as MessagePack, which the framework does by a tree of checked values. Here
// one encoding is written while the other is read; what is not plainly of the schema's
// type is the framework's.

// recoder is a resource that can write a state of the present version anew.
type recoder interface {
	// recoded answers a request to upgrade a state, or returns nil.
	recoded(q *tfprotov6.UpgradeResourceStateRequest) *tfprotov6.UpgradeResourceStateResponse
}

// recoded implements recoder.
func (r *managed[M, S, T]) recoded(q *tfprotov6.UpgradeResourceStateRequest) *tfprotov6.UpgradeResourceStateResponse {
	if q.Version != r.full.Version || q.RawState == nil || len(q.RawState.JSON) == 0 {
		return nil
	}
	state, ok := recode(q.RawState.JSON, r.wire)
	if !ok {
		return nil
	}
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &tfprotov6.DynamicValue{MsgPack: state}}
}

// recode writes an object in JSON as Terraform's MessagePack. It reports whether the
// object is of the type.
func recode(text []byte, object tftypes.Object) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	w := recoding{d, make([]byte, 0, len(text))}
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') || !w.object(object.AttributeTypes) {
		return nil, false
	}
	_, err := d.Token()
	return w.out, err == io.EOF
}

// recoding is a text that is read, and what was written of it. Its methods report
// whether what is next is of the type, and stop where it is not.
type recoding struct {
	*json.Decoder

	out []byte
}

func (w *recoding) value(kind tftypes.Type) bool {
	token, err := w.Token()
	if err != nil {
		return false
	}
	if token == nil {
		w.out = msgp.AppendNil(w.out)
		return true
	}
	switch kind := kind.(type) {
	case tftypes.Object:
		return token == json.Delim('{') && w.object(kind.AttributeTypes)
	case tftypes.Map:
		return token == json.Delim('{') && w.entries(kind.ElementType)
	case tftypes.List:
		return token == json.Delim('[') && w.elements(kind.ElementType)
	case tftypes.Set:
		return token == json.Delim('[') && w.elements(kind.ElementType)
	}
	return w.scalar(token, kind)
}

func (w *recoding) scalar(token json.Token, kind tftypes.Type) bool {
	switch v := token.(type) {
	case string:
		w.out = msgp.AppendString(w.out, v)
		return kind.Is(tftypes.String)
	case bool:
		w.out = msgp.AppendBool(w.out, v)
		return kind.Is(tftypes.Bool)
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			w.out = msgp.AppendInt64(w.out, n)
		} else {
			w.out = msgp.AppendString(w.out, v.String()) // all its digits
		}
		return kind.Is(tftypes.Number)
	}
	return false
}

// object reads what follows an opening brace. What the text does not have is null.
func (w *recoding) object(types map[string]tftypes.Type) bool {
	w.out = msgp.AppendMapHeader(w.out, uint32(len(types))) //nolint:gosec // a schema is not that large
	had := make(map[string]bool, len(types))
	for w.More() {
		token, err := w.Token()
		name, _ := token.(string)
		kind, known := types[name]
		if err != nil || !known || had[name] {
			return false
		}
		had[name] = true
		w.out = msgp.AppendString(w.out, name)
		if !w.value(kind) {
			return false
		}
	}
	for name := range types {
		if !had[name] {
			w.out = msgp.AppendNil(msgp.AppendString(w.out, name))
		}
	}
	_, err := w.Token()
	return err == nil
}

// The beginnings of a map and of an array whose length takes the next four bytes.
const (
	longMap   = 0xdf
	longArray = 0xdd
)

// entries reads what follows an opening brace, of a map.
func (w *recoding) entries(kind tftypes.Type) bool {
	return w.counted(longMap, func() bool {
		token, err := w.Token()
		key, _ := token.(string)
		w.out = msgp.AppendString(w.out, key)
		return err == nil && w.value(kind)
	})
}

// elements reads what follows an opening bracket.
func (w *recoding) elements(kind tftypes.Type) bool {
	return w.counted(longArray, func() bool { return w.value(kind) })
}

// counted reads members until there are no more, and writes before them how many they
// were.
func (w *recoding) counted(begin byte, read func() bool) bool {
	const size = 4
	w.out = append(w.out, begin, 0, 0, 0, 0)
	at, n := len(w.out)-size, uint32(0)
	for ; w.More(); n++ {
		if !read() {
			return false
		}
	}
	binary.BigEndian.PutUint32(w.out[at:], n)
	_, err := w.Token()
	return err == nil
}
