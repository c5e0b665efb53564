package aws

import (
	"cmp"
	"crypto/md5" //nolint:gosec // ETags of uploads in parts are MD5
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limits of uploads in parts (user guide, "Amazon S3 multipart upload limits").
const (
	leastPart = 5 << 20
	mostParts = 10000
)

// s3Upload is an upload in parts that is not complete.
type s3Upload struct {
	id, bucket string
	version    *s3Version // as it will be
	algorithm  string     // of the checksum that was asked for; "" if none
	full       bool       // the checksum is of the whole object
	parts      map[int]*s3Version
}

func (q *s3Request) createUpload() (*s3Answer, error) {
	v, err := q.written()
	if err != nil {
		return nil, err
	}
	s := q.w.s3()
	s.made++
	algorithm := strings.ToLower(q.in.Header.Get("X-Amz-Checksum-Algorithm"))
	u := &s3Upload{
		id: strings.ReplaceAll(uuidOf("upload", q.bucket, q.key, strconv.Itoa(s.made)), "-", ""), bucket: q.bucket, version: v,
		algorithm: algorithm, parts: map[int]*s3Version{},
		full: cmp.Or(algorithm, "crc64nvme") == "crc64nvme" || q.in.Header.Get("X-Amz-Checksum-Type") == "FULL_OBJECT",
	}
	if u.full && strings.HasPrefix(algorithm, "sha") {
		return nil, fault("InvalidRequest", "The FULL_OBJECT checksum type cannot be used with the %s checksum algorithm.", algorithm)
	}
	q.target().encrypt(v)
	s.uploads[u.id] = u
	header := v.encryptionHeaders()
	if algorithm != "" {
		header["X-Amz-Checksum-Algorithm"] = strings.ToUpper(algorithm)
	}
	return &s3Answer{header: header, body: struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		XMLNS    string   `xml:"xmlns,attr"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{XMLNS: s3XMLNS, Bucket: q.bucket, Key: q.key, UploadID: u.id}}, nil
}

// upload finds the upload that a request is about.
func (q *s3Request) upload() (*s3Upload, error) {
	u := q.w.s3().uploads[q.query.Get("uploadId")]
	if u == nil || u.bucket != q.bucket || u.version.key != q.key {
		return nil, s3Fault(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return u, nil
}

func (q *s3Request) uploadPart() (*s3Answer, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(q.query.Get("partNumber"))
	if err != nil || n < 1 || n > mostParts {
		return nil, fault("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", mostParts)
	}
	part := &s3Version{body: q.body, modified: q.now}
	if q.in.Header.Get("X-Amz-Copy-Source") != "" {
		return q.copyPart(u, n, part)
	}
	if part.checksums, err = q.checksums(); err != nil {
		return nil, err
	}
	if u.algorithm != "" && part.checksums[u.algorithm] == "" {
		return nil, fault("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: null", u.algorithm)
	}
	part.etag = md5Hex(part.body)
	u.parts[n] = part
	header := part.checksumHeaders()
	delete(header, "X-Amz-Checksum-Type")
	header["Etag"] = `"` + part.etag + `"`
	return &s3Answer{header: header}, nil
}

// copyPart takes a part out of another object.
func (q *s3Request) copyPart(u *s3Upload, n int, part *s3Version) (*s3Answer, error) {
	from, err := q.copySource()
	if err != nil {
		return nil, err
	}
	first, last, _, err := rangeOf(q.in.Header.Get("X-Amz-Copy-Source-Range"), len(from.body))
	if err != nil {
		return nil, err
	}
	part.body = from.body[first : last+1]
	algorithm := cmp.Or(u.algorithm, "crc64nvme")
	part.etag, part.checksums = md5Hex(part.body), map[string]string{algorithm: s3Sum(algorithm, part.body)}
	u.parts[n] = part
	return &s3Answer{body: s3CopiedOf("CopyPartResult", part)}, nil
}

// s3Named is a part as CompleteMultipartUpload names it.
type s3Named struct {
	PartNumber int
	ETag       string
}

func (q *s3Request) completeUpload() (*s3Answer, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	var in struct {
		Parts []s3Named `xml:"Part"`
	}
	if err := q.readXML(&in); err != nil {
		return nil, err
	}
	parts, err := u.named(in.Parts)
	if err != nil {
		return nil, err
	}
	u.join(parts)
	out, err := q.stored(u.version)
	if err != nil {
		u.version.body, u.version.etag = nil, ""
		return nil, err
	}
	delete(q.w.s3().uploads, u.id)
	document := s3CopiedOf("CompleteMultipartUploadResult", u.version)
	document.LastModified, document.Bucket, document.Key = "", q.bucket, q.key
	document.Location, document.ChecksumType = "/"+q.bucket+"/"+q.key, u.version.checksumHeaders()["X-Amz-Checksum-Type"]
	out.body = document
	return out, nil
}

// named finds the parts that shall be joined.
func (u *s3Upload) named(all []s3Named) ([]*s3Version, error) {
	if len(all) == 0 {
		return nil, s3Malformed()
	}
	if !slices.IsSortedFunc(all, func(a, b s3Named) int { return cmp.Compare(a.PartNumber, b.PartNumber) }) {
		return nil, fault("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	}
	var parts []*s3Version
	for i, n := range all {
		part := u.parts[n.PartNumber]
		switch {
		case part == nil || strings.Trim(n.ETag, `"`) != part.etag:
			return nil, fault("InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case i < len(all)-1 && len(part.body) < leastPart:
			return nil, fault("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// join makes the object of its parts. Its ETag, and its checksum where that is not
// of the whole, are made of the parts' own (user guide, "Checking object
// integrity").
func (u *s3Upload) join(parts []*s3Version) {
	var tags, sums []byte
	u.version.body = nil
	algorithm := cmp.Or(u.algorithm, "crc64nvme")
	for _, p := range parts {
		tag, _ := hex.DecodeString(p.etag)
		sum, _ := base64.StdEncoding.DecodeString(p.checksums[algorithm])
		tags, sums = append(tags, tag...), append(sums, sum...)
		u.version.body = append(u.version.body, p.body...)
	}
	suffix := "-" + strconv.Itoa(len(parts))
	total := md5.Sum(tags) //nolint:gosec // as above
	u.version.etag = hex.EncodeToString(total[:]) + suffix
	u.version.composite = !u.full
	u.version.checksums = map[string]string{algorithm: s3Sum(algorithm, u.version.body)}
	if !u.full {
		u.version.checksums[algorithm] = s3Sum(algorithm, sums) + suffix
	}
}

func (q *s3Request) abortUpload() (*s3Answer, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	delete(q.w.s3().uploads, u.id)
	return &s3Answer{status: http.StatusNoContent}, nil
}

func (q *s3Request) listParts() (*s3Answer, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	type part struct {
		PartNumber         int
		LastModified, ETag string
		Size               int
	}
	var all []part
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		p := u.parts[n]
		all = append(all, part{n, p.modified.Format(s3Time), `"` + p.etag + `"`, len(p.body)})
	}
	return &s3Answer{body: struct {
		XMLName     xml.Name `xml:"ListPartsResult"`
		XMLNS       string   `xml:"xmlns,attr"`
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
		IsTruncated bool
		Part        []part
	}{XMLNS: s3XMLNS, Bucket: q.bucket, Key: q.key, UploadID: u.id, Part: all}}, nil
}

func (q *s3Request) listUploads() (*s3Answer, error) {
	type upload struct {
		Key       string
		UploadID  string `xml:"UploadId"`
		Initiated string
	}
	var all []upload
	for _, u := range sorted(q.w.s3().uploads) {
		if u.bucket == q.bucket && strings.HasPrefix(u.version.key, q.query.Get("prefix")) {
			all = append(all, upload{u.version.key, u.id, u.version.modified.Format(s3Time)})
		}
	}
	slices.SortStableFunc(all, func(a, b upload) int { return cmp.Compare(a.Key, b.Key) })
	return &s3Answer{body: struct {
		XMLName     xml.Name `xml:"ListMultipartUploadsResult"`
		XMLNS       string   `xml:"xmlns,attr"`
		Bucket      string
		IsTruncated bool
		Upload      []upload
	}{XMLNS: s3XMLNS, Bucket: q.bucket, Upload: all}}, nil
}
