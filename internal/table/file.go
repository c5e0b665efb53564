package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// longestRow is the longest row of text that is read, in bytes.
const longestRow = 16 << 20

// errLongRow is returned for a row that would fill the memory.
var errLongRow = errors.New("the row is longer than 16 MiB; is a quote not closed?")

// errNotUTF8 is returned for text in another encoding, whose values would be the
// same as no value of requests.
var errNotUTF8 = errors.New("this is not UTF-8; save the file in UTF-8")

// text is an open file of text, unzipped if need be, without byte order mark.
type text struct {
	in   *bufio.Reader
	left int // of the row that is being read
	gzip bool
	file *os.File
}

// openRegular opens a file, and nothing else: a pipe could be waited for in vain.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, invalidf("%s is no regular file; a table is one file", filepath.Base(path))
	}
	f, err := os.Open(path)
	return f, info.Size(), err
}

func openText(path string) (*text, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	t := &text{in: bufio.NewReader(f), file: f, left: longestRow}
	if err := t.unwrap(); err != nil {
		return nil, first(err, f.Close())
	}
	return t, nil
}

// unwrap looks at the first bytes, and not at the name: kept bytes may have
// another.
func (t *text) unwrap() error {
	if zipped, _ := t.in.Peek(2); bytes.Equal(zipped, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(t.in)
		if err != nil {
			return t.damaged(err)
		}
		t.in, t.gzip = bufio.NewReader(unzipped), true
	}
	start, _ := t.in.Peek(3) // what is wrong with reading is found when it is read
	if bytes.HasPrefix(start, []byte{0xff, 0xfe}) || bytes.HasPrefix(start, []byte{0xfe, 0xff}) {
		return invalidf("the file is in UTF-16; save it in UTF-8")
	}
	if bytes.Equal(start, []byte("\ufeff")) { // which spreadsheets write
		_, _ = t.in.Discard(len(start)) // they were peeked at
	}
	return nil
}

// Read reads no more than the rest of a row may have.
func (t *text) Read(b []byte) (int, error) {
	if t.left <= 0 {
		return 0, errLongRow
	}
	n, err := t.in.Read(b[:min(len(b), t.left)])
	t.left -= n
	return n, t.damaged(err)
}

// row begins a row.
func (t *text) row() { t.left = longestRow }

// damaged makes an error of the content, rather than of the disk, Invalid.
func (t *text) damaged(err error) error {
	if _, disk := errors.AsType[*fs.PathError](err); err == nil || disk || errors.Is(err, io.EOF) {
		return err
	}
	return invalidf("the gzipped file is cut short or damaged: %w", err)
}

func (t *text) close() error { return t.file.Close() }
