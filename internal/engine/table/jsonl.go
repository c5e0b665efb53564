package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// longestLine is the longest line of JSON that is read, in bytes.
const longestLine = 16 << 20

// jsonSource reads one JSON object from each line. Columns may come to be known
// later: a row has a cell for each that is known by then.
type jsonSource struct {
	*file

	lines *bufio.Scanner
	line  int
	names []string
	at    map[string]int
}

func openJSONLines(path string) (source, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s := &jsonSource{file: f, lines: bufio.NewScanner(f), at: map[string]int{}}
	s.lines.Buffer(nil, longestLine)
	return s, nil
}

func (s *jsonSource) columns() []string { return s.names }

func (s *jsonSource) next() ([]Cell, error) {
	for s.lines.Scan() {
		s.line++
		line := bytes.TrimSpace(s.lines.Bytes())
		if len(line) == 0 {
			continue
		}
		return s.row(line)
	}
	if err := s.lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, invalidf("line %d is longer than %d bytes", s.line+1, longestLine)
	} else if err != nil {
		return nil, err
	}
	return nil, io.EOF
}

func (s *jsonSource) row(line []byte) ([]Cell, error) {
	var object map[string]any
	if err := json.Unmarshal(line, &object); err != nil || object == nil {
		return nil, invalidf("line %d is no JSON object", s.line)
	}
	var fresh []string
	for name := range object {
		if _, known := s.at[name]; !known {
			fresh = append(fresh, name)
		}
	}
	slices.Sort(fresh)
	for _, name := range fresh {
		s.at[name], s.names = len(s.names), append(s.names, name)
	}
	if err := checkNames(fresh); err != nil {
		return nil, invalidf("line %d: %w", s.line, err)
	}
	cells := make([]Cell, len(s.names))
	for name, v := range object {
		cells[s.at[name]] = JSONCell(v)
	}
	return cells, nil
}

// JSONCell is the cell of a JSON value, as encoding/json decodes it. What is
// neither number, text, boolean nor null is text.
func JSONCell(v any) Cell {
	switch v := v.(type) {
	case nil:
		return Cell{}
	case float64:
		return NumberCell(v)
	case bool:
		if v {
			return Cell{Type: Boolean, Text: "true"}
		}
		return Cell{Type: Boolean, Text: "false"}
	case string:
		if t, ok := parseTime(v); ok {
			return t
		}
		return Cell{Type: String, Text: v}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return Cell{}
	}
	return Cell{Type: String, Text: string(b)}
}
