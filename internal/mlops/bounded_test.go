package mlops

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		limit int64
		want  string
		code  Code
	}{
		{"less", 9, "content", ""},
		{"just fits", 7, "content", ""},
		{"more", 6, "conten", Invalid},
		{"nothing", 0, "", Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for kind, in := range map[string]io.Reader{
				"plain": strings.NewReader("content"),
				"slow":  iotest.OneByteReader(strings.NewReader("content")),
				"ends":  iotest.DataErrReader(strings.NewReader("content")),
			} {
				got, err := io.ReadAll(Bounded(in, tt.limit))
				if string(got) != tt.want || CodeOf(err) != tt.code {
					t.Errorf("%s reader: got %q, %v; want %q and code %q", kind, got, err, tt.want, tt.code)
				}
			}
		})
	}
}

// TestUnpacked proves that what is small may be anything, and what is large as much as
// an archive of its size may be.
func TestUnpacked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		packed, size int64
		code         Code
	}{
		{"small", 1, unpackedAlways, ""},
		{"large for its archive", 1, unpackedAlways + 1, Invalid},
		{"of a large archive", unpackedAlways / 100, unpackedAlways + 1, ""},
		{"large for a large archive", unpackedAlways / 100, 2*unpackedAlways + 1, Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			zeros := io.LimitReader(endless{}, tt.size)
			if _, err := io.Copy(io.Discard, Unpacked(zeros, tt.packed)); CodeOf(err) != tt.code {
				t.Errorf("error %v, want code %q", err, tt.code)
			}
		})
	}
}

// endless has bytes for whoever asks.
type endless struct{}

func (endless) Read(into []byte) (int, error) { return len(into), nil }
