package monitors

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
)

// longestLine is the longest captured line that is read, in bytes: two bodies of
// what the gateway keeps of each, encoded.
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
	request  string       // id of the request that it came with
	place    int          // in that request
	features []table.Cell // as the baseline's features; what is not there is Empty
	strange  bool         // it has another form or width than the features
	predicted
}

// predicted is an answer to one instance.
type predicted struct {
	prediction    table.Cell
	probabilities []float64 // of the classes, where the model gives them
}

// reading is what came of reading captures.
type reading struct {
	rows    int64
	damaged int64 // lines that could not be read
}

// readWindow calls f for each instance that was answered in a window, oldest file
// first. Damaged lines are counted and passed over.
func readWindow(dir string, from, until time.Time, features []table.Column, f func(instance)) (reading, error) {
	var got reading
	files, err := captureFiles(dir, gateway.CaptureFile, from)
	if err != nil {
		return got, err
	}
	for _, file := range files {
		err := eachLine(file, func(line []byte) {
			var c captured
			if json.Unmarshal(line, &c) != nil {
				got.damaged++
				return
			}
			if c.Time.Before(from) || !c.Time.Before(until) || c.Status != http.StatusOK || c.RequestEncoding != "" || c.RequestTruncated {
				return
			}
			for _, row := range instancesOf(c, features) {
				got.rows++
				f(row)
			}
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

// captureFiles lists the files of one kind in a capture directory that may have
// lines since a time, oldest first: full ones are kept beside the one that is
// written, with the time in their names.
func captureFiles(dir, name string, from time.Time) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	stem := strings.TrimSuffix(name, ".jsonl")
	var files []string
	for _, e := range entries {
		isOne := strings.HasPrefix(e.Name(), stem+"-") || e.Name() == name
		info, err := e.Info()
		if !isOne || err != nil || info.ModTime().Before(from) {
			continue
		}
		files = append(files, filepath.Join(dir, e.Name()))
	}
	slices.SortFunc(files, func(a, b string) int { // the one that is written is the newest
		if (filepath.Base(a) == name) != (filepath.Base(b) == name) {
			if filepath.Base(a) == name {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	return files, nil
}

// eachLine reads a file that is being written, rotated or compressed meanwhile.
// A last line without an end is not there yet.
func eachLine(path string, f func([]byte)) (err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // rotated away since it was listed
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var in io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		unzipped, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		in = unzipped
	}
	lines := bufio.NewReaderSize(in, 256<<10) //nolint:mnd // fewer system calls
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(line) <= longestLine {
			f(line)
		}
	}
}
