package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"gopkg.in/natefinch/lumberjack.v2"
)

const (
	captureBody  = 1 << 20  // longest body that is kept, bytes
	captureQueue = 1024     // most records that wait for the disk
	captureBytes = 64 << 20 // most bytes of bodies that wait for the disk
)

// CaptureFile is the file in a capture directory that is being written. A full
// one is kept beside it with the time in its name.
const CaptureFile = "capture.jsonl"

// captured is one request and its answer.
type captured struct {
	time              time.Time
	requestID         string
	variant, version  string
	status            int
	latency           time.Duration
	request, response body
}

// body is the beginning of a request's or an answer's body.
type body struct {
	bytes     []byte
	truncated bool
}

func (c *captured) size() int64 { return int64(len(c.request.bytes) + len(c.response.bytes)) }

// line is a captured request as it is written, but for the bodies, which follow:
// each as request or response, with its _encoding where that is "base64" and its
// _truncated where it is.
type line struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"request_id"`
	Endpoint  string    `json:"endpoint"`
	Variant   string    `json:"variant"`
	Version   string    `json:"version"`
	Status    int       `json:"status"`
	LatencyMS float64   `json:"latency_ms"`
}

// line returns the line that is written. The bodies are put in as they are:
// to have them encoded with the rest would read each three times, which costs
// more than the rest of the gateway.
func (c *captured) line(endpoint string) ([]byte, error) {
	head, err := json.Marshal(line{
		Time: c.time.UTC(), RequestID: c.requestID, Endpoint: endpoint, Variant: c.variant, Version: c.version,
		Status: c.status, LatencyMS: float64(c.latency.Microseconds()) / 1000,
	})
	if err != nil {
		return nil, err
	}
	out := slices.Grow(head[:len(head)-1], int(c.size())+128)
	out = c.request.appendTo(out, "request")
	out = c.response.appendTo(out, "response")
	return append(out, "}\n"...), nil
}

// recorder writes an endpoint's captured requests to rotated files, beside the
// requests and never in their way: what it cannot keep up with is dropped and
// counted.
type recorder struct {
	endpoint string
	out      *lumberjack.Logger
	dropped  func()
	queue    chan captured
	queued   atomic.Int64 // bytes
	stop     chan struct{}
	done     chan struct{}
	err      error // of closing; valid when done is closed
}

// newRecorder starts a recorder. Its files grow to at most fileMiB each.
func newRecorder(endpoint, dir string, fileMiB int, dropped func()) (*recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r := &recorder{
		endpoint: endpoint,
		out:      &lumberjack.Logger{Filename: filepath.Join(dir, CaptureFile), MaxSize: fileMiB},
		dropped:  dropped,
		queue:    make(chan captured, captureQueue),
		stop:     make(chan struct{}), done: make(chan struct{}),
	}
	go r.run()
	return r, nil
}

// sampled decides about one request.
func sampled(percent int64) bool {
	return percent > 0 && rand.Int64N(100) < percent //nolint:gosec // a fair share needs no secrecy
}

// record takes a request over, or drops it. It never blocks.
func (r *recorder) record(c captured) {
	if r.queued.Add(c.size()) > captureBytes {
		r.queued.Add(-c.size())
		r.dropped()
		return
	}
	select {
	case r.queue <- c:
	default:
		r.queued.Add(-c.size())
		r.dropped()
	}
}

// close writes what is queued and closes the file. Later requests are lost, so
// nobody may have the recorder any more who still has requests in flight that
// matter.
func (r *recorder) close() error {
	close(r.stop)
	<-r.done
	return r.err
}

func (r *recorder) run() {
	defer close(r.done)
	for {
		select {
		case c := <-r.queue:
			r.write(c)
		case <-r.stop:
			r.err = r.flush()
			return
		}
	}
}

func (r *recorder) flush() error {
	for {
		select {
		case c := <-r.queue:
			r.write(c)
		default:
			return r.out.Close()
		}
	}
}

func (r *recorder) write(c captured) {
	defer r.queued.Add(-c.size())
	text, err := c.line(r.endpoint)
	if err == nil {
		_, err = r.out.Write(text)
	}
	if err != nil {
		r.dropped()
	}
}

// appendTo appends the body as members of a JSON object.
func (b body) appendTo(out []byte, name string) []byte {
	text, encoding := b.text()
	out = append(out, `,"`+name+`":`...)
	out = append(out, text...)
	if encoding != "" {
		out = append(out, `,"`+name+`_encoding":"`+encoding+`"`...)
	}
	if b.truncated {
		out = append(out, `,"`+name+`_truncated":true`...)
	}
	return out
}

// text is the body as JSON: JSON as it is, but on one line, other text as a
// string, anything else in base64.
func (b body) text() (text []byte, encoding string) {
	if b.truncated {
		b.bytes = wholeRunes(b.bytes)
	}
	isText := utf8.Valid(b.bytes)
	switch {
	case len(b.bytes) == 0:
		return []byte("null"), ""
	case isText && !b.truncated && json.Valid(b.bytes):
		return oneLine(b.bytes), ""
	case isText:
		return quote(string(b.bytes)), ""
	}
	return quote(base64.StdEncoding.EncodeToString(b.bytes)), "base64"
}

// oneLine returns valid JSON without line breaks, which are only ever between
// its parts.
func oneLine(text []byte) []byte {
	if !bytes.ContainsAny(text, "\r\n") {
		return text
	}
	var out bytes.Buffer
	_ = json.Compact(&out, text) // it is valid
	return out.Bytes()
}

func quote(s string) []byte {
	text, _ := json.Marshal(s) //nolint:errchkjson // a string always has a JSON form
	return text
}

// wholeRunes drops the beginning of a character at the end.
func wholeRunes(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if tail := b[len(b)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// tee keeps the beginning of an answer's body while it is read.
type tee struct {
	io.ReadCloser

	kept *body
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	room := captureBody - len(t.kept.bytes)
	t.kept.bytes = append(t.kept.bytes, p[:min(n, room)]...)
	t.kept.truncated = t.kept.truncated || n > room || (err != nil && !errors.Is(err, io.EOF))
	return n, err
}
