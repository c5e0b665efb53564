package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// jsonSource reads one JSON object from each line. Columns may come to be known
// later: a row has a cell for each that is known by then.
type jsonSource struct {
	*text

	lines *bufio.Scanner
	line  int
	names []string
	at    map[string]int
	cells []Cell
}

func openJSONLines(path string) (source, error) {
	f, err := openText(path)
	if err != nil {
		return nil, err
	}
	s := &jsonSource{text: f, lines: bufio.NewScanner(f), at: map[string]int{}}
	s.lines.Buffer(nil, longestRow)
	return s, nil
}

func (s *jsonSource) columns() []string { return s.names }

func (s *jsonSource) next() ([]Cell, error) {
	for {
		s.row()
		if !s.lines.Scan() {
			break
		}
		s.line++
		if line := bytes.TrimSpace(s.lines.Bytes()); len(line) > 0 {
			return s.object(line)
		}
	}
	err := s.lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong), errors.Is(err, errLongRow):
		return nil, invalidf("line %d is longer than %d MiB", s.line+1, longestRow>>20)
	case err != nil:
		return nil, err
	}
	return nil, io.EOF
}

func (s *jsonSource) object(line []byte) ([]Cell, error) {
	if !utf8.Valid(line) {
		return nil, invalidf("line %d: %w", s.line, errNotUTF8)
	}
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber() // a float64 does not tell large integers apart
	err := decoder.Decode(&object)
	if err == nil && (object == nil || decoder.InputOffset() != int64(len(line))) {
		return nil, invalidf("line %d is not one JSON object", s.line)
	}
	if err != nil {
		return nil, invalidf("line %d, character %d: no JSON object: %w", s.line, offset(err, decoder), err)
	}
	if err := s.learn(object); err != nil {
		return nil, err
	}
	clear(s.cells)
	for name, v := range object {
		s.cells[s.at[name]] = JSONCell(v)
	}
	return s.cells, nil
}

// offset is where a JSON error is, counted from 1.
func offset(err error, decoder *json.Decoder) int64 {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return syntax.Offset
	}
	return decoder.InputOffset() + 1
}

// learn takes in the columns that an object is the first to have.
func (s *jsonSource) learn(object map[string]any) error {
	var fresh []string
	for name := range object {
		if _, known := s.at[name]; !known {
			fresh = append(fresh, name)
		}
	}
	if fresh == nil {
		return nil
	}
	slices.Sort(fresh) // the order of a map is none
	for _, name := range fresh {
		s.at[name], s.names = len(s.names), append(s.names, name)
	}
	s.cells = make([]Cell, len(s.names))
	if err := checkNames(s.names); err != nil {
		return invalidf("line %d: %s", s.line, mlops.Message(err))
	}
	return nil
}
