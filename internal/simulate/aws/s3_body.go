package aws

import (
	"bufio"
	"bytes"
	"crypto/md5"  //nolint:gosec // S3's ETags and Content-MD5 are MD5
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// s3Algorithms makes the hashes of S3's checksums, by their names in headers
// ("x-amz-checksum-<name>").
func s3Algorithms() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"crc32":     func() hash.Hash { return crc32.NewIEEE() },
		"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) }, // the NVMe polynomial, reflected
		"sha1":      sha1.New,
		"sha256":    sha256.New,
	}
}

// s3Sum is a checksum in base64.
func s3Sum(algorithm string, body []byte) string {
	h := s3Algorithms()[algorithm]()
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// md5Hex is the MD5 of bytes.
func md5Hex(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// s3Body reads a request's body, out of its chunks if it comes in those, and
// checks it against the digests that came with it.
func s3Body(r *http.Request) ([]byte, http.Header, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, fault("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
	}
	digest, trailer := r.Header.Get("X-Amz-Content-Sha256"), http.Header{}
	switch {
	case strings.HasPrefix(digest, "STREAMING-"):
		if raw, trailer, err = s3Chunks(raw); err != nil {
			return nil, nil, err
		}
		if n := r.Header.Get("X-Amz-Decoded-Content-Length"); n != strconv.Itoa(len(raw)) {
			return nil, nil, fault("IncompleteBody", "The request body terminated unexpectedly: %d bytes of %s.", len(raw), n)
		}
	case len(digest) == hex.EncodedLen(sha256.Size):
		if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != digest {
			return nil, nil, fault("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
	}
	return raw, trailer, s3MD5Fault(r, raw)
}

// s3MD5Fault holds a body to its Content-MD5.
func s3MD5Fault(r *http.Request, body []byte) error {
	given := r.Header.Get("Content-Md5")
	if given == "" {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(given)
	if err != nil || len(want) != md5.Size {
		return fault("InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	if hex.EncodeToString(want) != md5Hex(body) {
		return fault("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

// s3Chunks reads the encoding aws-chunked (API reference, "Signature calculations
// for the authorization header: transferring a payload in multiple chunks"). The
// chunks' signatures are not checked.
func s3Chunks(raw []byte) ([]byte, http.Header, error) {
	in, out := bufio.NewReader(bytes.NewReader(raw)), []byte(nil)
	broken := fault("IncompleteBody", "The request body terminated unexpectedly.")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, nil, broken
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseUint(size, 16, 31)
		if err != nil {
			return nil, nil, broken
		}
		if n == 0 {
			break
		}
		chunk := make([]byte, n+2) // with the line's end
		if _, err := io.ReadFull(in, chunk); err != nil || string(chunk[n:]) != "\r\n" {
			return nil, nil, broken
		}
		out = append(out, chunk[:n]...)
	}
	trailer, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil && len(trailer) == 0 && in.Buffered() > 0 {
		return nil, nil, broken
	}
	return out, http.Header(trailer), nil
}

// checksums returns those that came with the body, in the header or the trailer,
// and refuses those that are wrong. Where none came S3 makes its own
// (user guide, "Checking object integrity").
func (q *s3Request) checksums() (map[string]string, error) {
	out := map[string]string{}
	for algorithm := range s3Algorithms() {
		name := "X-Amz-Checksum-" + algorithm
		given := q.in.Header.Get(name)
		if given == "" {
			given = q.trailer.Get(name)
		}
		if given == "" {
			continue
		}
		if given != s3Sum(algorithm, q.body) {
			return nil, fault("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(algorithm))
		}
		out[algorithm] = given
	}
	if len(out) == 0 {
		out["crc64nvme"] = s3Sum("crc64nvme", q.body)
	}
	return out, nil
}

// s3Encoding is a content encoding without the transfer's own.
func s3Encoding(given string) string {
	var kept []string
	for part := range strings.SplitSeq(given, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}
