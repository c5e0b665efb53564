package table

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
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
	reader  parquet.Rows
	names   []string
	fields  []parquetField
	rows    []parquet.Row
	at, end int
	cells   []Cell
}

// parquetField is what a column's values mean.
type parquetField struct {
	unit     time.Duration // of a timestamp, 0 for any other
	unsigned bool
	scale    int // decimal places, -1 for what is no decimal
}

func openParquet(path string) (_ source, err error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = first(err, f.Close())
		}
	}()
	s := &parquetSource{file: f, rows: make([]parquet.Row, parquetBatch)}
	if err := guarded(func() error { return s.open(size) }); err != nil {
		return nil, err
	}
	return s, checkNames(s.names)
}

func (s *parquetSource) open(size int64) error {
	opened, err := parquet.OpenFile(s.file, size)
	if err != nil {
		return fmt.Errorf("this is no Parquet file, or a damaged one: %w", err)
	}
	for _, field := range opened.Schema().Fields() {
		if !field.Leaf() || field.Repeated() {
			return fmt.Errorf("column %q is nested; only flat tables can be read", field.Name())
		}
		s.names, s.fields = append(s.names, field.Name()), append(s.fields, meaning(field))
	}
	s.reader, s.cells = parquet.MultiRowGroup(opened.RowGroups()...).Rows(), make([]Cell, len(s.names))
	return nil
}

// guarded makes a panic of the library, which trusts what a file says of itself,
// an error. All errors are Invalid.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the Parquet file is damaged: %v", p)
		}
		if err != nil {
			err = invalidf("%w", err)
		}
	}()
	return f()
}

func meaning(field parquet.Field) parquetField {
	m := parquetField{scale: -1}
	logical := field.Type().LogicalType()
	if logical == nil {
		return m
	}
	switch t := logical.Value.(type) {
	case *format.DateType:
		m.unit = 24 * time.Hour //nolint:mnd // a day
	case *format.TimestampType:
		m.unit = t.Unit.Value.Duration()
	case *format.IntType:
		m.unsigned = !t.IsSigned
	case *format.DecimalType:
		m.scale = int(t.Scale)
	}
	return m
}

func (s *parquetSource) columns() []string { return s.names }

func (s *parquetSource) next() ([]Cell, error) {
	if s.at == s.end {
		if err := s.read(); err != nil {
			return nil, err
		}
	}
	clear(s.cells)
	for _, v := range s.rows[s.at] {
		if i := v.Column(); i >= 0 && i < len(s.cells) {
			s.cells[i] = s.fields[i].cell(v)
		}
	}
	s.at++
	return s.cells, nil
}

// read reads some rows, or returns io.EOF.
func (s *parquetSource) read() error {
	s.at, s.end = 0, 0
	err := guarded(func() (err error) {
		s.end, err = s.reader.ReadRows(s.rows)
		if s.end > 0 || errors.Is(err, io.EOF) {
			return nil // an error comes again with the next rows
		}
		return err
	})
	if err == nil && s.end == 0 {
		return io.EOF
	}
	return err
}

func (s *parquetSource) close() error { return errors.Join(s.reader.Close(), s.file.Close()) }

func (m parquetField) cell(v parquet.Value) Cell {
	switch v.Kind() {
	case parquet.Boolean:
		return Cell{Type: Boolean, Text: strconv.FormatBool(v.Boolean())}
	case parquet.Int32:
		if m.unsigned {
			return m.integer(int64(v.Uint32()))
		}
		return m.integer(int64(v.Int32()))
	case parquet.Int64:
		if m.unsigned && v.Int64() < 0 { // beyond what an int64 holds
			return Cell{Type: Number, Number: float64(v.Uint64()), Text: strconv.FormatUint(v.Uint64(), 10)}
		}
		return m.integer(v.Int64())
	case parquet.Float:
		return fractionCell(float64(v.Float()), 32) //nolint:mnd // bits
	case parquet.Double:
		return fractionCell(v.Double(), 64) //nolint:mnd // bits
	case parquet.Int96:
		return timeCell(julian(v.Int96()))
	case parquet.ByteArray, parquet.FixedLenByteArray:
		if m.scale >= 0 {
			return decimalCell(signed(v.ByteArray()), m.scale)
		}
		return Cell{Type: String, Text: v.String()}
	}
	return Cell{} // null
}

// integer is what a whole number means.
func (m parquetField) integer(n int64) Cell {
	switch {
	case m.unit >= time.Second:
		return timeCell(time.Unix(n*int64(m.unit/time.Second), 0))
	case m.unit > 0:
		perSecond := int64(time.Second / m.unit)
		return timeCell(time.Unix(n/perSecond, n%perSecond*int64(m.unit)))
	case m.scale >= 0:
		return decimalCell(big.NewInt(n), m.scale)
	}
	return Cell{Type: Integer, Number: float64(n), Text: strconv.FormatInt(n, 10)}
}

// fractionCell is the cell of a number with a fraction; NaN is missing.
func fractionCell(n float64, bits int) Cell {
	if math.IsNaN(n) {
		return Cell{}
	}
	return Cell{Type: Number, Number: n, Text: strconv.FormatFloat(n, 'g', -1, bits)}
}

func timeCell(t time.Time) Cell {
	return Cell{Type: Timestamp, Number: seconds(t), Text: t.UTC().Format(time.RFC3339Nano)}
}

// julian is the time in the form of old writers: nanoseconds, and Julian days.
func julian(v [3]uint32) time.Time {
	const unix, perDay, half = 2_440_588, 24 * 60 * 60, 32
	return time.Unix((int64(v[2])-unix)*perDay, int64(v[1])<<half|int64(v[0]))
}

// signed is a big-endian number in two's complement.
func signed(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8)) //nolint:mnd // bits in a byte
	}
	return n
}

func decimalCell(unscaled *big.Int, scale int) Cell {
	exact := new(big.Rat).SetFrac(unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)) //nolint:mnd // decimal
	n, _ := exact.Float64()
	return Cell{Type: Number, Number: n, Text: exact.FloatString(scale)}
}
