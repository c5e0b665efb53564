package driftjob

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// record is what counts of a logged request or answer; see pkg/logger/types.go of
// KServe.
type record struct {
	Body []byte `json:"bytes"` // in base64
	Type string `json:"reqType"`
	ID   string `json:"id"`

	Server   string              `json:"inferenceService"`
	Metadata map[string][]string `json:"metadata"` // headers, by their canonical names
}

func (r record) isRequest() bool { return strings.HasSuffix(r.Type, ".request") }

func (r record) isAnswer() bool { return strings.HasSuffix(r.Type, ".response") }

// isCopy reports whether nobody waits for an answer: a rollout copied another server's
// request to this one, to see what it would say.
func (r record) isCopy() bool {
	return r.Server != "" && slices.Contains(strings.Split(strings.Join(r.Metadata[mlops.HeaderCopies], ","), ","), r.Server)
}

// text is a body in the form in which checks take it; encoding is not empty where it
// is no text.
func (r record) text() (text json.RawMessage, encoding string) {
	switch {
	case len(r.Body) == 0:
		return nil, ""
	case json.Valid(r.Body):
		return r.Body, ""
	case !utf8.Valid(r.Body):
		return nil, "binary"
	}
	text, _ = json.Marshal(string(r.Body)) //nolint:errchkjson // a string always has a JSON form
	return text, ""
}

// logFile is an open file of one record, or of a batch of them.
type logFile struct {
	isBatch bool

	file    *os.File
	in      *limited
	decoder *json.Decoder
	begun   bool // the first record was read
	broken  bool // nobody knows where the next one begins
}

// limited refuses to read more than is left: one record may not fill the memory.
type limited struct {
	in   io.Reader
	left int
}

var errTooLong = errors.New("the record is too long")

func (l *limited) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.in.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

// openLog opens a file that may not be there.
func openLog(path string) (l *logFile, there bool, err error) {
	file, there, err := checks.OpenIfThere(path)
	if err != nil || !there {
		return nil, false, err
	}
	in := &limited{in: file, left: checks.LongestLine}
	buffered := bufio.NewReader(in)
	first, _ := buffered.Peek(1) // what is wrong with reading is found when it is read
	return &logFile{isBatch: string(first) == "[", file: file, in: in, decoder: json.NewDecoder(buffered)}, true, nil
}

func (l *logFile) close() error { return l.file.Close() }

// next returns the next record, or io.EOF. Not ok is one that could not be read.
func (l *logFile) next() (r record, ok bool, err error) {
	l.in.left = checks.LongestLine
	isOver, err := l.isOver()
	if isOver && err == nil {
		return record{}, false, io.EOF
	}
	if err == nil {
		l.begun = true
		err = l.decoder.Decode(&r)
	}
	if _, disk := errors.AsType[*fs.PathError](err); disk {
		return record{}, false, err
	}
	if err != nil {
		l.broken = true
		return record{}, false, nil //nolint:nilerr // it is counted
	}
	return r, r.ID != "" && (r.isRequest() || r.isAnswer()), nil
}

// isOver reports whether no record follows. That a batch breaks off is an error.
func (l *logFile) isOver() (bool, error) {
	if l.broken || !l.isBatch {
		return l.broken || l.begun, nil
	}
	if !l.begun {
		if _, err := l.decoder.Token(); err != nil {
			return false, err
		}
	}
	if l.decoder.More() {
		return false, nil
	}
	_, err := l.decoder.Token() // the end of the list
	return true, err
}
