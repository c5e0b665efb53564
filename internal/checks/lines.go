package checks

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// LongestLine is the longest line that is read, in bytes: two bodies of what the
// gateway keeps of each, encoded. A longer one is damaged, whatever it is.
const LongestLine = 8 << 20

// Files are files that can be read whatever becomes of their names.
type Files []*os.File

// Close closes them all.
func (o Files) Close() error {
	var errs []error
	for _, f := range o {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// OpenIfThere opens a file that may not be there.
func OpenIfThere(path string) (f *os.File, there bool, err error) {
	f, err = os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return f, err == nil, err
}

// EachLine calls f for each line of a file, and returns how many f did not
// understand, or were longer than any line can be. A last line without an end is
// not there yet, unless the file is finished. A compressed file that breaks off
// ends there.
func EachLine(ctx context.Context, file *os.File, finished bool, f func([]byte) bool) (damaged int64, err error) {
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
			if len(line) > LongestLine || !f(line) {
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
		if room := LongestLine + 1 - len(r.line); room > 0 {
			r.line = append(r.line, part[:min(len(part), room)]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.line, err == nil, err
		}
	}
}
