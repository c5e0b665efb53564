package checks

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// Captured is a request with its answer, as far as checks look at it, in the form in
// which the engine's gateway writes it.
type Captured struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"request_id"`
	Status    int       `json:"status"`
	// Request and Response are the bodies: JSON as it is, other text as a string.
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response"`

	RequestEncoding  string `json:"request_encoding"` // of a request that is no text
	RequestTruncated bool   `json:"request_truncated"`
}

// In reports whether a request came in a window, was answered, and is whole.
func (c Captured) In(from, until time.Time) bool {
	isInTime := !c.Time.Before(from) && c.Time.Before(until)
	return isInTime && c.Status == http.StatusOK && c.RequestEncoding == "" && !c.RequestTruncated
}

// instance is one row of live traffic.
type instance struct {
	predicted

	at         time.Time    // of the request that it came with
	request    string       // id of that request
	place      int          // in that request
	features   []table.Cell // as the baseline's features; what is not there is Empty
	positional bool         // the values came without names
	strange    bool         // and there were more or fewer than features
	unknown    []string     // names that are no feature's
}

// predicted is an answer to one instance.
type predicted struct {
	prediction    table.Cell
	probabilities []float64 // of the classes, where the model gives them
}

// standardJSON replaces what programs in Python write for numbers that JSON does
// not have by null. The gateway keeps such a body as text.
func standardJSON(body json.RawMessage) json.RawMessage {
	var text string
	if len(body) == 0 || body[0] != '"' || json.Unmarshal(body, &text) != nil {
		return body
	}
	out := make([]byte, 0, len(text))
	for isQuoted := false; text != ""; {
		if word := foreignNumber(text); word != "" && !isQuoted {
			out, text = append(out, "null"...), text[len(word):]
			continue
		}
		n := 1
		switch {
		case isQuoted && text[0] == '\\':
			n = min(2, len(text)) //nolint:mnd // what is escaped is no quote
		case text[0] == '"':
			isQuoted = !isQuoted
		}
		out, text = append(out, text[:n]...), text[n:]
	}
	return out
}

func foreignNumber(text string) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(text, word) {
			return word
		}
	}
	return ""
}
