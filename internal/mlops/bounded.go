package mlops

import (
	"fmt"
	"io"
)

// What an archive may become, in bytes and as a multiple of its own size. What models
// and tables are made of becomes ten times smaller; a thousand times is what somebody
// does on purpose.
const (
	unpackedAlways = 64 << 20
	unpackedRatio  = 200
)

// Unpacked reads what an archive of a size is unpacked to, and fails as Bounded does
// where that is out of all proportion.
func Unpacked(in io.Reader, packed int64) io.Reader {
	return Bounded(in, max(unpackedAlways, unpackedRatio*packed))
}

// Bounded reads what another reader has, and fails as Invalid instead of reading more
// than a number of bytes: what is compressed does not say how large it becomes.
func Bounded(in io.Reader, limit int64) io.Reader { return &bounded{in, limit, limit} }

type bounded struct {
	in          io.Reader
	limit, left int64
}

// Read implements io.Reader. One byte more than allowed is asked for, for only that
// tells what is too long from what just fits.
func (b *bounded) Read(into []byte) (int, error) {
	if b.left < 0 {
		return 0, NewError(Invalid, fmt.Errorf("it unpacks to more than %d bytes, which is all that is read", b.limit))
	}
	n, err := b.in.Read(into[:min(int64(len(into)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return n - 1, nil // the next call says so
	}
	return n, err
}
