package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// csvSource reads RFC 4180 with a header line. Empty lines are passed over.
type csvSource struct {
	*text

	reader *csv.Reader
	line   int // of the row that was read last
	names  []string
	cells  []Cell
}

func openCSV(path string) (source, error) {
	f, err := openText(path)
	if err != nil {
		return nil, err
	}
	s := &csvSource{text: f, reader: csv.NewReader(f)}
	s.reader.ReuseRecord = true
	header, err := s.reader.Read()
	if errors.Is(err, io.EOF) {
		err = invalidf("the file is empty; its first line must name the columns")
	}
	if err != nil {
		return nil, first(s.malformed(err, header), f.close())
	}
	for _, name := range header {
		if !utf8.ValidString(name) {
			return nil, errors.Join(invalidf("line 1: %w", errNotUTF8), f.close())
		}
		s.names = append(s.names, strings.TrimSpace(name))
	}
	if err := checkNames(s.names); err != nil {
		return nil, first(err, f.close())
	}
	s.line, s.cells = 1, make([]Cell, len(s.names))
	return s, nil
}

func (s *csvSource) columns() []string { return s.names }

func (s *csvSource) next() ([]Cell, error) {
	s.row()
	record, err := s.reader.Read()
	if err != nil {
		return nil, s.malformed(err, record)
	}
	s.line, _ = s.reader.FieldPos(0)
	for i, field := range record {
		if !utf8.ValidString(field) {
			return nil, invalidf("line %d, column %q: %w", s.line, s.names[i], errNotUTF8)
		}
		s.cells[i] = Parse(field)
	}
	return s.cells, nil
}

// malformed makes an error of the content, rather than of the disk, Invalid, and
// says where.
func (s *csvSource) malformed(err error, record []string) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case errors.Is(err, io.EOF), mlops.CodeOf(err) == mlops.Invalid:
		return err
	case errors.Is(err, errLongRow):
		return invalidf("after line %d: %w", s.line, errLongRow)
	case ok && errors.Is(err, csv.ErrFieldCount):
		return invalidf("line %d has %d fields; the header has %d", parse.StartLine, len(record), len(s.names))
	case ok:
		return invalidf("line %d, character %d: %w", parse.Line, parse.Column, parse.Err)
	}
	return fmt.Errorf("read: %w", err)
}
