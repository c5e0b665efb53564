package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Protocol is how requests below an endpoint's URL map to a server's paths.
type Protocol int

// The protocols.
const (
	// Inference is a server that speaks the Open Inference Protocol (V2) and
	// the instances/predictions form (V1) at their standard paths. Both are
	// also understood at the endpoint's own URL.
	Inference Protocol = iota
	// Passthrough is any HTTP server: paths are its own.
	Passthrough
)

var errForm = errors.New(`the request must be a JSON object with "inputs" (Open Inference Protocol) or "instances"`)

// Target returns the path at the server for a request to an endpoint. rest is
// the escaped path behind the endpoint's URL; body the beginning of the
// request's body, which decides where the path does not; model the model's name
// at the server, which is the endpoint's.
func (p Protocol) Target(method, rest string, body []byte, model string) (string, error) {
	if p == Passthrough {
		return "/" + strings.TrimPrefix(rest, "/"), nil
	}
	switch {
	case rest == "" || rest == "/":
		return inferenceTarget(method, body, model)
	case within(rest, "/v2/repository"): // loading and unloading is the engine's
		return "", errPath
	case within(rest, "/v1"), within(rest, "/v2"):
		return rest, nil
	}
	return "", errPath
}

var (
	errPath   = errors.New("an endpoint answers at its own URL, and below it at /v1/… and /v2/…")
	errMethod = errors.New("predictions are asked for with POST")
)

func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func inferenceTarget(method string, body []byte, model string) (string, error) {
	switch method {
	case http.MethodGet, http.MethodHead:
		return "/v2/models/" + model, nil
	case http.MethodPost:
	default:
		return "", errMethod
	}
	switch form(body) {
	case "inputs":
		return "/v2/models/" + model + "/infer", nil
	case "instances":
		return "/v1/models/" + model + ":predict", nil
	}
	return "", errForm
}

// form returns the first of the keys "inputs" and "instances" in a JSON object,
// of which only the beginning may be there, or "".
func form(body []byte) string {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	for d.More() {
		key, err := d.Token()
		if err != nil || key == "inputs" || key == "instances" {
			name, _ := key.(string)
			return name
		}
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return ""
		}
	}
	return ""
}
