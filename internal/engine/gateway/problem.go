package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// statusClientGone is what is counted for a request whose client went away
// before it was answered. Nobody receives it.
const statusClientGone = 499

// retryAfter is when a client that finds no replica may try again, seconds.
const retryAfter = 2

// problem is a problem document (RFC 9457).
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// writeProblem answers with a problem document.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(status)
	b, err := json.Marshal(problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: detail, RequestID: h.Get(RequestIDHeader),
	})
	if err == nil { // strings and numbers always have a JSON form
		_, _ = w.Write(b) // a client that is gone needs no answer
	}
}
