package aws

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// getObject answers GET and HEAD.
func (q *s3Request) getObject() (*s3Answer, error) {
	v, out, err := q.version()
	if err != nil {
		return out, err
	}
	header := q.versionHeader(v)
	maps.Copy(header, v.headers)
	header["Etag"], header["Last-Modified"], header["Accept-Ranges"] = `"`+v.etag+`"`, httpTime(v.modified), "bytes"
	if len(v.tags) > 0 {
		header["X-Amz-Tagging-Count"] = strconv.Itoa(len(v.tags))
	}
	if err := q.readConditions(v); err != nil {
		return &s3Answer{header: header}, err
	}
	first, last, part, err := rangeOf(q.in.Header.Get("Range"), len(v.body))
	if err != nil {
		return nil, err
	}
	out = &s3Answer{header: header, body: v.body[first : last+1]}
	switch {
	case part:
		out.status = http.StatusPartialContent
		header["Content-Range"] = fmt.Sprintf("bytes %d-%d/%d", first, last, len(v.body))
	case q.in.Header.Get("X-Amz-Checksum-Mode") == "ENABLED":
		maps.Copy(header, v.checksumHeaders())
	}
	header["Content-Length"] = strconv.Itoa(last + 1 - first)
	for option, name := range map[string]string{
		"response-content-type": "Content-Type", "response-content-disposition": "Content-Disposition",
		"response-cache-control": "Cache-Control", "response-content-encoding": "Content-Encoding",
	} {
		if value := q.query.Get(option); value != "" {
			header[name] = value
		}
	}
	return out, nil
}

// readConditions holds a request's conditions to a version (RFC 9110, section 13).
func (q *s3Request) readConditions(v *s3Version) error {
	h := q.in.Header
	unchanged := s3Fault(http.StatusNotModified, "NotModified", "Not Modified")
	second := v.modified.Truncate(time.Second)
	if given := h.Get("If-Match"); given != "" {
		if given != "*" && strings.Trim(given, `"`) != v.etag {
			return preconditionFailed()
		}
	} else if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && second.After(t) {
		return preconditionFailed()
	}
	if given := h.Get("If-None-Match"); given != "" {
		if given == "*" || strings.Trim(given, `"`) == v.etag {
			return unchanged
		}
	} else if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !second.After(t) {
		return unchanged
	}
	return nil
}

// rangeOf reads the header Range of one range: the first and the last byte. What
// it cannot read means all.
func rangeOf(given string, size int) (first, last int, part bool, err error) {
	spec, ok := strings.CutPrefix(given, "bytes=")
	from, to, cut := strings.Cut(spec, "-")
	if !ok || !cut || !digits(from) || !digits(to) || from+to == "" {
		return 0, size - 1, false, nil
	}
	start, _ := strconv.Atoi(from)
	end, _ := strconv.Atoi(to)
	switch {
	case from == "":
		first, last = max(size-end, 0), size-1
		if end == 0 {
			first = size
		}
	case to == "":
		first, last = start, size-1
	default:
		first, last = start, min(end, size-1)
	}
	if first >= size || last < first {
		return 0, 0, false, s3Fault(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return first, last, true, nil
}

// digits reports whether a text has nothing but digits, and few enough for a number.
func digits(text string) bool {
	const most = 18
	return len(text) <= most && strings.Trim(text, "0123456789") == ""
}

// copySource finds the version that a copy is of.
func (q *s3Request) copySource() (*s3Version, error) {
	source := strings.TrimPrefix(q.in.Header.Get("X-Amz-Copy-Source"), "/")
	path, query, _ := strings.Cut(source, "?")
	path, err := url.PathUnescape(path)
	bucket, key, ok := strings.Cut(path, "/")
	if err != nil || !ok || key == "" {
		return nil, fault("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	values, _ := url.ParseQuery(query)
	from := &s3Request{w: q.w, in: q.in, bucket: bucket, key: key, query: values, region: q.region, now: q.now}
	switch b := q.w.s3().buckets[bucket]; {
	case b == nil:
		return nil, s3Fault(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case b.foreign:
		return nil, s3Fault(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	v, _, err := from.version()
	if err != nil {
		return nil, err
	}
	return v, q.copyConditions(v)
}

// copyConditions holds a copy's conditions to its source.
func (q *s3Request) copyConditions(v *s3Version) error {
	match, other := q.in.Header.Get("X-Amz-Copy-Source-If-Match"), q.in.Header.Get("X-Amz-Copy-Source-If-None-Match")
	if match != "" && strings.Trim(match, `"`) != v.etag || other != "" && strings.Trim(other, `"`) == v.etag {
		return preconditionFailed()
	}
	return nil
}

// s3Copied is the document that answers a copy, or the end of an upload in parts.
type s3Copied struct {
	XMLName           xml.Name
	XMLNS             string `xml:"xmlns,attr"`
	ETag              string
	LastModified      string `xml:",omitempty"`
	Location          string `xml:",omitempty"`
	Bucket            string `xml:",omitempty"`
	Key               string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
}

func s3CopiedOf(name string, v *s3Version) s3Copied {
	return s3Copied{
		XMLName: xml.Name{Local: name}, XMLNS: s3XMLNS, ETag: `"` + v.etag + `"`, LastModified: v.modified.Format(s3Time),
		ChecksumCRC32: v.checksums["crc32"], ChecksumCRC32C: v.checksums["crc32c"], ChecksumCRC64NVME: v.checksums["crc64nvme"],
		ChecksumSHA1: v.checksums["sha1"], ChecksumSHA256: v.checksums["sha256"],
	}
}

// copyObject writes an object's bytes under another name. Metadata and tags come
// along unless the request replaces them; encryption does not (API reference,
// CopyObject).
func (q *s3Request) copyObject() (*s3Answer, error) {
	const mostBytes = 5 << 30
	from, err := q.copySource()
	if err != nil {
		return nil, err
	}
	v, err := q.written()
	if err != nil {
		return nil, err
	}
	replaces := q.in.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	if source := strings.TrimPrefix(q.in.Header.Get("X-Amz-Copy-Source"), "/"); !replaces && source == q.bucket+"/"+url.PathEscape(q.key) && v.headers["X-Amz-Server-Side-Encryption"] == "" {
		return nil, fault("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if len(from.body) > mostBytes {
		return nil, fault("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", mostBytes)
	}
	v.body, v.checksums = from.body, q.copiedChecksums(from)
	if !replaces {
		v.inherit(from)
	}
	if q.in.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		v.tags = maps.Clone(from.tags)
	}
	out, err := q.stored(v)
	if err != nil {
		return nil, err
	}
	if q.w.s3().buckets[q.bucket].versioning != "" && from.id != "null" {
		out.header["X-Amz-Copy-Source-Version-Id"] = from.id
	}
	out.body = s3CopiedOf("CopyObjectResult", v)
	return out, nil
}

// copiedChecksums are the source's, and the one that the request asks for.
func (q *s3Request) copiedChecksums(from *s3Version) map[string]string {
	asked := strings.ToLower(q.in.Header.Get("X-Amz-Checksum-Algorithm"))
	if s3Algorithms()[asked] != nil {
		return map[string]string{asked: s3Sum(asked, from.body)}
	}
	if from.composite {
		return map[string]string{"crc64nvme": s3Sum("crc64nvme", from.body)}
	}
	return maps.Clone(from.checksums)
}

// inherit takes over the headers of a copy's source.
func (v *s3Version) inherit(from *s3Version) {
	own := v.encryptionHeaders()
	class := v.headers["X-Amz-Storage-Class"]
	v.headers = maps.Clone(from.headers)
	for name := range from.encryptionHeaders() {
		delete(v.headers, name)
	}
	delete(v.headers, "X-Amz-Storage-Class")
	maps.Copy(v.headers, own)
	if class != "" {
		v.headers["X-Amz-Storage-Class"] = class
	}
}
