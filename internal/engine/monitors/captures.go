package monitors

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// longestLine is the longest line that is read, in bytes: two bodies of what the
// gateway keeps of each, encoded. A longer one is damaged, whatever it is.
const longestLine = 8 << 20

// captured is what counts of a captured line; see gateway.
type captured struct {
	Time      time.Time       `json:"time"`
	RequestID string          `json:"request_id"`
	Status    int             `json:"status"`
	Request   json.RawMessage `json:"request"`
	Response  json.RawMessage `json:"response"`

	RequestEncoding  string `json:"request_encoding"`
	RequestTruncated bool   `json:"request_truncated"`
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

// readWindow calls f for each instance that was answered in a window, oldest file
// first, and returns how many lines were damaged: those are passed over.
func readWindow(ctx context.Context, dir string, from, until time.Time, features []table.Column, f func(instance)) (damaged int64, err error) {
	files, err := openFiles(dir, gateway.CaptureFile, from)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, files.close()) }()
	for _, file := range files {
		broken, err := eachLine(ctx, file, false, func(line []byte) bool {
			var c captured
			if json.Unmarshal(line, &c) != nil {
				return false
			}
			if c.Time.Before(from) || !c.Time.Before(until) || c.Status != http.StatusOK || c.RequestEncoding != "" || c.RequestTruncated {
				return true
			}
			for _, row := range instancesOf(c, features) {
				f(row)
			}
			return true
		})
		if damaged += broken; err != nil {
			return damaged, err
		}
	}
	return damaged, nil
}

// openedFiles are files that can be read whatever becomes of their names.
type openedFiles []*os.File

func (o openedFiles) close() error {
	var errs []error
	for _, f := range o {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// openFiles opens the files of one kind in a capture directory that may have
// lines since a time, oldest first. Full files are kept beside the one that is
// written, with the time in their names. The one that is written is opened first:
// if it is put aside then, it is found again among the others, and is the same
// file.
func openFiles(dir, name string, from time.Time) (openedFiles, error) {
	current, there, err := openIfThere(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	full, err := openFull(dir, strings.TrimSuffix(name, ".jsonl")+"-", from, current)
	if there {
		full = append(full, current)
	}
	if err != nil {
		return nil, errors.Join(err, full.close())
	}
	return full, nil
}

// openFull opens the files with a time in their names, but for one.
func openFull(dir, prefix string, from time.Time, but *os.File) (out openedFiles, err error) {
	entries, err := os.ReadDir(dir) // sorted by name, which is by time
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		info, gone := e.Info()
		if gone != nil || !strings.HasPrefix(e.Name(), prefix) || info.ModTime().Before(from) {
			continue
		}
		f, there, err := openIfThere(filepath.Join(dir, e.Name()))
		switch {
		case err != nil:
			return out, err
		case !there: // retention was faster
		case isSame(f, but):
			if err := f.Close(); err != nil {
				return out, err
			}
		default:
			out = append(out, f)
		}
	}
	return out, err
}

func openIfThere(path string) (f *os.File, there bool, err error) {
	f, err = os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return f, err == nil, err
}

func isSame(a, b *os.File) bool {
	if b == nil {
		return false
	}
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// eachLine calls f for each line of a file, and returns how many f did not
// understand, or were longer than any line can be. A last line without an end is
// not there yet, unless the file is finished. A compressed file that breaks off
// ends there.
func eachLine(ctx context.Context, file *os.File, finished bool, f func([]byte) bool) (damaged int64, err error) {
	var in io.Reader = file
	isZipped := strings.HasSuffix(file.Name(), ".gz")
	if isZipped {
		if in, err = gzip.NewReader(file); err != nil {
			return 1, nil //nolint:nilerr // it is counted
		}
	}
	lines := lineReader{Reader: bufio.NewReaderSize(in, 64<<10)} //nolint:mnd // fewer system calls
	for ctx.Err() == nil {
		line, isWhole, err := lines.next()
		if isWhole || finished && len(bytes.TrimSpace(line)) > 0 {
			if len(line) > longestLine || !f(line) {
				damaged++
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return damaged, nil
		case err != nil && isZipped:
			return damaged + 1, nil
		case err != nil:
			return damaged, err
		}
	}
	return damaged, ctx.Err()
}

// lineReader reads lines, and keeps of one no more than shows that it is too long.
type lineReader struct {
	*bufio.Reader

	line []byte
}

// next returns a line, valid until the next call, and whether it has an end.
func (r *lineReader) next() (line []byte, isWhole bool, err error) {
	r.line = r.line[:0]
	for {
		part, err := r.ReadSlice('\n')
		if room := longestLine + 1 - len(r.line); room > 0 {
			r.line = append(r.line, part[:min(len(part), room)]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.line, err == nil, err
		}
	}
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
