package table

import (
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetBatch is how many rows are read at once.
const parquetBatch = 256

// parquetSource reads flat Parquet files.
type parquetSource struct {
	file    *os.File
	reader  *parquet.Reader
	names   []string
	times   []time.Duration // unit of a timestamp column, 0 for any other
	rows    []parquet.Row
	at, end int
	cells   []Cell
}

func openParquet(path string) (source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	opened, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, errors.Join(invalidf("this is no Parquet file: %w", err), f.Close())
	}
	s := &parquetSource{file: f, reader: parquet.NewReader(opened), rows: make([]parquet.Row, parquetBatch)}
	for _, field := range opened.Schema().Fields() {
		if !field.Leaf() || field.Repeated() {
			return nil, errors.Join(invalidf("column %q is nested; only flat tables can be read", field.Name()), f.Close())
		}
		s.names, s.times = append(s.names, field.Name()), append(s.times, unitOf(field))
	}
	s.cells = make([]Cell, len(s.names))
	if err := checkNames(s.names); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// unitOf is what a timestamp column counts, 0 for any other column.
func unitOf(field parquet.Field) time.Duration {
	logical := field.Type().LogicalType()
	if logical == nil {
		return 0
	}
	switch t := logical.Value.(type) {
	case *format.DateType:
		return 24 * time.Hour //nolint:mnd // a day
	case *format.TimestampType:
		return t.Unit.Value.Duration()
	}
	return 0
}

func (s *parquetSource) columns() []string { return s.names }

func (s *parquetSource) next() ([]Cell, error) {
	if s.at == s.end {
		n, err := s.reader.ReadRows(s.rows)
		if n == 0 {
			if err == nil || errors.Is(err, io.EOF) {
				return nil, io.EOF
			}
			return nil, invalidf("the Parquet file cannot be read: %w", err)
		}
		s.at, s.end = 0, n
	}
	clear(s.cells)
	for _, v := range s.rows[s.at] {
		if i := v.Column(); i >= 0 && i < len(s.cells) {
			s.cells[i] = parquetCell(v, s.times[i])
		}
	}
	s.at++
	return s.cells, nil
}

func (s *parquetSource) close() error { return errors.Join(s.reader.Close(), s.file.Close()) }

func parquetCell(v parquet.Value, unit time.Duration) Cell {
	if v.IsNull() {
		return Cell{}
	}
	switch v.Kind() {
	case parquet.Boolean:
		return Cell{Type: Boolean, Text: strconv.FormatBool(v.Boolean())}
	case parquet.Int32, parquet.Int64:
		if unit > 0 {
			seconds := float64(v.Int64()) * unit.Seconds()
			return Cell{Type: Timestamp, Number: seconds, Text: time.UnixMilli(int64(seconds * 1000)).UTC().Format(time.RFC3339)} //nolint:mnd // ms in a second
		}
		return Cell{Type: Integer, Number: float64(v.Int64()), Text: strconv.FormatInt(v.Int64(), 10)}
	case parquet.Float, parquet.Double:
		c := NumberCell(v.Double())
		if c.Type == Integer {
			c.Type = Number // the file says so
		}
		return c
	case parquet.Int96, parquet.ByteArray, parquet.FixedLenByteArray:
	}
	return Cell{Type: String, Text: v.String()}
}
