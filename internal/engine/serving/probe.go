package serving

import (
	"context"
	"io"
	"net/http"
	"os"
)

// probe takes one look whether a server is ready. A server of ours must say so;
// of a custom one, which has no path for that, any answer will do but one that
// says that it is broken.
func (r *replica) probe(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, r.f.e.s.pace.probeTimeout)
	defer cancel()
	path, enough := r.f.launch.readiness()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addressOf(r.port)+path, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := r.f.e.s.direct.RoundTrip(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the server can finish its answer
	return enough(resp.StatusCode)
}

// largestLog is how long a server's log grows until it is put aside, bytes.
const largestLog = 32 << 20

// rotate puts a log aside that has grown too long. The server writes on to the
// same file, at its end, so it is copied and cut; lines in between are lost.
func rotate(path string) {
	info, err := os.Stat(path)
	if err != nil || info.Size() < largestLog {
		return
	}
	if copyFile(path, path+".1") == nil {
		_ = os.Truncate(path, 0) // tried again at the next look
	}
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}
