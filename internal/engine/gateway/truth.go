package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// GroundTruthFile is the file in a capture directory that has what turned out to
// be true about captured requests: a line {"time","request_id","label"} each. A
// full one is kept beside it with the time in its name. Of several lines for one
// request the last one counts.
const GroundTruthFile = "ground_truth.jsonl"

const (
	truthPath  = "/ground-truth" // below an endpoint's URL
	truthBody  = 8 << 20         // longest body, bytes
	truthLabel = 64 << 10        // longest label, bytes
	truthMost  = 16              // bodies that are taken at a time
)

// label is what turned out to be true about one request.
type label struct {
	Time      time.Time       `json:"time"`
	RequestID string          `json:"request_id"`
	Label     json.RawMessage `json:"label"`
}

// acceptTruth answers a request that says what turned out to be true. All of it
// is on disk when it is answered with 200, and none of it after any other
// answer.
func (x *exchange) acceptTruth(e *endpoint) {
	if x.in.Method != http.MethodPost {
		x.w.Header().Set("Allow", http.MethodPost)
		writeProblem(x.w, http.StatusMethodNotAllowed, "ground truth is sent with POST")
		return
	}
	if !e.captures() {
		writeProblem(x.w, http.StatusConflict, "nothing is captured of this endpoint that the truth could be about; give the endpoint capture")
		return
	}
	select {
	case x.gateway.truths <- struct{}{}:
		defer func() { <-x.gateway.truths }()
	default:
		writeProblem(x.w, http.StatusServiceUnavailable, "too much ground truth is being sent at once")
		return
	}
	labels, status, err := x.readTruth()
	if err != nil {
		writeProblem(x.w, status, err.Error())
		return
	}
	if err := e.truth.append(labels); err != nil {
		x.gateway.cfg.Log.Error("ground truth cannot be written", "endpoint", e.route.Endpoint, "error", err)
		writeProblem(x.w, http.StatusInternalServerError, "the ground truth could not be written to disk")
		return
	}
	x.w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(x.w, `{"accepted":%d}`, len(labels)) // a client that is gone needs no answer
}

// readTruth reads the body. An error comes with the status for it.
func (x *exchange) readTruth() (labels []label, status int, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.in.Body, truthBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d MiB; send it in parts", truthBody>>20)
	}
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("the body could not be read: %w", err)
	}
	labels, err = readLabels(body)
	return labels, http.StatusBadRequest, err
}

// captures reports whether there are captured requests, or may be.
func (e *endpoint) captures() bool {
	if e.route.Capture.Percent > 0 {
		return true
	}
	_, err := os.Stat(e.route.Capture.Dir)
	return err == nil
}

// readLabels reads labels from JSON (one, or an array of them) or JSON lines.
// Errors say which one is bad, from 1.
func readLabels(body []byte) ([]label, error) {
	unit, parts := splitLabels(bytes.TrimSpace(body))
	now := time.Now().UTC()
	var labels []label
	for i, part := range parts {
		if len(bytes.TrimSpace(part)) == 0 {
			continue
		}
		l, err := readLabel(part)
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", unit, i+1, err)
		}
		l.Time = now
		labels = append(labels, l)
	}
	if len(labels) == 0 {
		return nil, errors.New(`the body must have at least one {"request_id": …, "label": …}`)
	}
	return labels, nil
}

// splitLabels returns the parts of a body that are one label each, and what to
// call them.
func splitLabels(body []byte) (unit string, parts [][]byte) {
	if !json.Valid(body) {
		return "line", bytes.Split(body, []byte("\n"))
	}
	var items []json.RawMessage
	if body[0] != '[' || json.Unmarshal(body, &items) != nil {
		return "item", [][]byte{body}
	}
	for _, item := range items {
		parts = append(parts, item)
	}
	return "item", parts
}

func readLabel(text []byte) (label, error) {
	var l struct {
		RequestID string          `json:"request_id"`
		Label     json.RawMessage `json:"label"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return label{}, fmt.Errorf(`not a {"request_id": …, "label": …}: %w`, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return label{}, errors.New("something follows the label")
	}
	switch {
	case l.RequestID == "" || len(l.RequestID) > maxRequestID:
		return label{}, fmt.Errorf("request_id must have 1 to %d bytes", maxRequestID)
	case len(l.Label) > truthLabel:
		return label{}, fmt.Errorf("the label is longer than %d KiB", truthLabel>>10)
	case !isLabel(l.Label):
		return label{}, errors.New("label must be a string, a number, true or false, or an array of such, one for each instance of the request")
	}
	return label{RequestID: l.RequestID, Label: oneLine(l.Label)}, nil
}

func isLabel(text []byte) bool {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return false
	}
	all, isArray := v.([]any)
	if !isArray {
		all = []any{v}
	}
	for _, one := range all {
		switch one.(type) {
		case string, float64, bool:
		default:
			return false
		}
	}
	return len(all) > 0
}

// truth appends labels to a capture directory's file. Those who come while the
// disk is busy share the next write.
type truth struct {
	dir     string
	fileMiB int

	writing sync.Mutex

	mu   sync.Mutex
	next *truthBatch // that is not being written yet
}

type truthBatch struct {
	text []byte
	done chan struct{}
	err  error // valid when done is closed
}

// append returns when the labels are on disk.
func (t *truth) append(labels []label) error {
	var text []byte
	for _, l := range labels {
		one, err := json.Marshal(l)
		if err != nil {
			return err
		}
		text = append(append(text, one...), '\n')
	}
	t.mu.Lock()
	b := t.next
	if b != nil {
		b.text = append(b.text, text...)
		t.mu.Unlock()
		<-b.done
		return b.err
	}
	b = &truthBatch{text: text, done: make(chan struct{})}
	t.next = b
	t.mu.Unlock()
	t.write(b)
	return b.err
}

// write writes a batch, after the one before it. Until then others join it.
func (t *truth) write(b *truthBatch) {
	t.writing.Lock()
	defer t.writing.Unlock()
	t.mu.Lock()
	t.next = nil
	t.mu.Unlock()
	defer close(b.done)
	if b.err = os.MkdirAll(t.dir, 0o700); b.err != nil {
		return
	}
	path := filepath.Join(t.dir, GroundTruthFile)
	if b.err = rotateFull(path, int64(t.fileMiB)<<20); b.err == nil {
		b.err = appendDurably(path, b.text)
	}
}

// rotateFull puts a file aside that has reached a size.
func rotateFull(path string, most int64) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() < most {
		return nil
	}
	if err != nil {
		return err
	}
	ext := filepath.Ext(path)
	aside := path[:len(path)-len(ext)] + "-" + time.Now().UTC().Format("2006-01-02T15-04-05.000000") + ext
	return os.Rename(path, aside)
}

// appendDurably appends whole lines to a file, all or none.
func appendDurably(path string, text []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := endOfLines(f)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(text, end)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.Truncate(end))
	}
	return nil
}

// endOfLines returns where the last whole line of a file ends: a crash may have
// left a part of one.
func endOfLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	const block = 64 << 10
	for end := info.Size(); end > 0; {
		start := max(0, end-block)
		b := make([]byte, end-start)
		if _, err := f.ReadAt(b, start); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}
