package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
)

// The data whose drift is measured: numbers first, then categories by their code.
// A file is a row of blocks; a block holds blockRows values of each feature in
// turn, as little-endian float64. The Python program reads the same.
const (
	driftFeatures = 50
	categorical   = 10 // of the features
	codes         = 20 // categories of such a feature
	blockRows     = 10_000
)

// dataReader is a drift.Collector or a drift.Window.
type dataReader interface {
	Numbers(column int, values []float64)
	Texts(column int, values []string, missing []bool)
}

func columns() []drift.Column {
	out := make([]drift.Column, driftFeatures)
	for i := range out {
		out[i] = drift.Column{Name: fmt.Sprintf("f%d", i), Kind: drift.Numeric}
		if i >= driftFeatures-categorical {
			out[i].Kind = drift.Categorical
		}
	}
	return out
}

// writeData writes rows; every fifth feature is shifted.
func writeData(path string, rows int, seed uint64, shift float64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // data need no secrecy
	var value [8]byte
	for range rows / blockRows {
		for i := range driftFeatures {
			for range blockRows {
				binary.LittleEndian.PutUint64(value[:], math.Float64bits(draw(r, i, shift)))
				if _, err := w.Write(value[:]); err != nil {
					return err
				}
			}
		}
	}
	return w.Flush()
}

// draw returns a value of a feature: a code, a value with a heavy tail, or one
// of a normal distribution, in turn.
func draw(r *rand.Rand, feature int, shift float64) float64 {
	if feature%5 != 0 {
		shift = 0
	}
	switch {
	case feature >= driftFeatures-categorical:
		return min(math.Floor(r.ExpFloat64()*(4+4*shift)), codes-1)
	case feature%2 == 0:
		return r.NormFloat64() + shift
	}
	return math.Exp(r.NormFloat64() + shift)
}

// readData reads a file block by block.
func readData(path string, into dataReader) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	raw := make([]byte, 8*blockRows)
	values, texts, names := make([]float64, blockRows), make([]string, blockRows), make([]string, codes)
	for code := range names {
		names[code] = fmt.Sprintf("category-%02d", code)
	}
	for at := 0; ; at++ {
		switch _, err := io.ReadFull(f, raw); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		for i := range values {
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		if column := at % driftFeatures; column < driftFeatures-categorical {
			into.Numbers(column, values)
		} else {
			for i, v := range values {
				texts[i] = names[int(v)]
			}
			into.Texts(column, texts, nil)
		}
	}
}
