package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Params are the members of a structure by their names in the service's model:
// strings, bools, json.Number, time.Time, []byte, []any, map[string]any.
type Params = map[string]any

// Call is one request, decoded and held to the model.
type Call struct {
	Service   string // as the models' folder names it: "sagemaker", "iam", "monitoring", …
	Operation string
	Region    string
	Account   string // that answers
	Caller    string // account whose key signed the request; another than Account for AssumeRole alone
	In        Params
	Header    http.Header
	Time      time.Time
}

// Handler answers one operation. It runs with the world locked. The answer has
// the members of the operation's output; an error that is not a *Fault is a
// mistake in this package and answered as an internal failure.
type Handler func(c *Call) (Params, error)

// Fault is an error as the service would give it.
type Fault struct {
	Code    string // "ValidationException"
	Message string
	Status  int // HTTP; 400 if zero
}

// Error is the code and the message.
func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// fault makes a Fault with status 400.
func fault(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// text returns a string member, or "".
func text(in Params, name string) string { s, _ := in[name].(string); return s }

// flag returns a boolean member, or false.
func flag(in Params, name string) bool { b, _ := in[name].(bool); return b }

// number returns a number member, or a default where it is absent.
func number(in Params, name string, absent int64) int64 {
	n, ok := in[name].(json.Number)
	if !ok {
		return absent
	}
	v, err := n.Int64()
	if err != nil {
		f, _ := n.Float64()
		return int64(f)
	}
	return v
}

// structure returns a structure or map member, or nil.
func structure(in Params, name string) Params { m, _ := in[name].(map[string]any); return m }

// list returns a list member, or nil.
func list(in Params, name string) []any { l, _ := in[name].([]any); return l }

// structures returns a list of structures.
func structures(in Params, name string) []Params {
	var out []Params
	for _, e := range list(in, name) {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// texts returns a list of strings.
func texts(in Params, name string) []string {
	var out []string
	for _, e := range list(in, name) {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
