package table

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// file is an open file that may be gzipped.
type file struct {
	io.Reader

	closers []io.Closer
}

func openFile(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	out := &file{Reader: bufio.NewReader(f), closers: []io.Closer{f}}
	if !strings.HasSuffix(strings.ToLower(path), ".gz") {
		return out, nil
	}
	unzipped, err := gzip.NewReader(out.Reader)
	if err != nil {
		return nil, errors.Join(invalidf("%s is not gzipped: %w", path, err), out.close())
	}
	out.Reader, out.closers = unzipped, append(out.closers, unzipped)
	return out, nil
}

func (f *file) close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// csvSource reads RFC 4180 with a header line.
type csvSource struct {
	*file

	reader *csv.Reader
	names  []string
	cells  []Cell
}

func openCSV(path string) (source, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s := &csvSource{file: f, reader: csv.NewReader(f)}
	s.reader.ReuseRecord = true
	header, err := s.reader.Read()
	if errors.Is(err, io.EOF) {
		err = invalidf("the file is empty; its first line must name the columns")
	}
	if err != nil {
		return nil, errors.Join(malformed(err), f.close())
	}
	for i, name := range header {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // which spreadsheets write
		}
		s.names = append(s.names, strings.TrimSpace(name))
	}
	if err := checkNames(s.names); err != nil {
		return nil, errors.Join(err, f.close())
	}
	s.cells = make([]Cell, len(s.names))
	return s, nil
}

func (s *csvSource) columns() []string { return s.names }

func (s *csvSource) next() ([]Cell, error) {
	record, err := s.reader.Read()
	if err != nil {
		return nil, malformed(err)
	}
	for i, text := range record {
		s.cells[i] = Parse(text)
	}
	return s.cells, nil
}

// malformed makes an error of the content, rather than of the disk, Invalid.
func malformed(err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return invalidf("line %d: %w", parse.Line, parse.Err)
	}
	if errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("read: %w", err)
}
