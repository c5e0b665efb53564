package aws

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limits of objects (user guide, "Object key names" and "Object metadata").
const (
	mostKeyBytes      = 1024
	mostMetadataBytes = 2048
)

// latest is an object's current version, which may be a delete marker; nil if
// there is none.
func (b *s3Bucket) latest(key string) *s3Version {
	if all := b.objects[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// keep adds a version. Without versioning it takes the place of the one with the
// ID "null" (user guide, "How S3 Versioning works").
func (s *s3State) keep(b *s3Bucket, v *s3Version) {
	all := slices.Clone(b.objects[v.key])
	if b.versioning == "Enabled" {
		s.made++
		v.id = strings.ReplaceAll(uuidOf(b.name, v.key, strconv.Itoa(s.made)), "-", "")
	} else {
		v.id = "null"
		all = slices.DeleteFunc(all, func(o *s3Version) bool { return o.id == "null" })
	}
	b.objects[v.key] = append(all, v)
}

// drop removes a version for good.
func (b *s3Bucket) drop(v *s3Version) {
	b.objects[v.key] = slices.DeleteFunc(slices.Clone(b.objects[v.key]), func(o *s3Version) bool { return o == v })
	if len(b.objects[v.key]) == 0 {
		delete(b.objects, v.key)
	}
}

// encrypt gives a version the bucket's encryption where it has none of its own.
func (b *s3Bucket) encrypt(v *s3Version) {
	var e s3Encryption
	if v.headers["X-Amz-Server-Side-Encryption"] != "" || xml.Unmarshal(b.settings["encryption"], &e) != nil || len(e.Rules) == 0 {
		return
	}
	v.headers["X-Amz-Server-Side-Encryption"] = e.Rules[0].Default.SSEAlgorithm
	if e.Rules[0].Default.SSEAlgorithm == "AES256" {
		return
	}
	if key := e.Rules[0].Default.KMSMasterKeyID; key != "" {
		v.headers["X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"] = key
	}
	if e.Rules[0].BucketKeyEnabled {
		v.headers["X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"] = "true"
	}
}

// s3ETag is the MD5 of an object, but not of one that KMS encrypts (API reference,
// Object).
func s3ETag(v *s3Version) string {
	if strings.HasPrefix(v.headers["X-Amz-Server-Side-Encryption"], "aws:kms") {
		return md5Hex(append([]byte("encrypted "), v.body...))
	}
	return md5Hex(v.body)
}

// versionHeader says which version an answer is about, in buckets that know
// versions.
func (q *s3Request) versionHeader(v *s3Version) map[string]string {
	if q.target().versioning == "" {
		return map[string]string{}
	}
	return map[string]string{"X-Amz-Version-Id": v.id}
}

func noSuchKey() *Fault {
	return s3Fault(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// version finds the version that a request is about.
func (q *s3Request) version() (*s3Version, *s3Answer, error) {
	b, id := q.target(), q.query.Get("versionId")
	if id == "" {
		v := b.latest(q.key)
		if v == nil {
			return nil, nil, noSuchKey()
		}
		if v.marker {
			out := &s3Answer{header: q.versionHeader(v)}
			out.header["X-Amz-Delete-Marker"] = "true"
			return nil, out, noSuchKey()
		}
		return v, nil, nil
	}
	for _, v := range b.objects[q.key] {
		switch {
		case v.id != id:
		case v.marker:
			out := &s3Answer{header: q.versionHeader(v)}
			out.header["X-Amz-Delete-Marker"], out.header["Allow"] = "true", "DELETE"
			return nil, out, s3Fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		default:
			return v, nil, nil
		}
	}
	return nil, nil, s3Fault(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
}

// s3Kept are the headers that come back as they were sent, beside x-amz-meta-*.
func s3Kept() []string {
	return []string{
		"Content-Type", "Content-Disposition", "Content-Language", "Cache-Control", "Expires", "X-Amz-Website-Redirect-Location",
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled",
		"X-Amz-Storage-Class",
	}
}

// headers are those of a request that its object keeps.
func (q *s3Request) headers() (map[string]string, error) {
	out, size := map[string]string{"Content-Type": "binary/octet-stream"}, 0
	for name, values := range q.in.Header {
		meta, own := strings.CutPrefix(name, "X-Amz-Meta-")
		if own {
			size += len(meta) + len(values[0])
		}
		if own || slices.Contains(s3Kept(), name) {
			out[name] = strings.Join(values, ",")
		}
	}
	if e := s3Encoding(q.in.Header.Get("Content-Encoding")); e != "" {
		out["Content-Encoding"] = e
	}
	if out["X-Amz-Storage-Class"] == "STANDARD" {
		delete(out, "X-Amz-Storage-Class") // never said
	}
	if size > mostMetadataBytes {
		return nil, fault("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	return out, q.encryptionHeadersFault(out)
}

// encryptionHeadersFault refuses encryption that there is not, and ACLs.
func (q *s3Request) encryptionHeadersFault(h map[string]string) error {
	sse, key := h["X-Amz-Server-Side-Encryption"], h["X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"]
	acl := q.in.Header.Get("X-Amz-Acl")
	switch {
	case sse != "" && !s3EncryptionKnown(sse):
		return fault("InvalidEncryptionAlgorithmError", "The encryption request you specified is not valid. Supported value: AES256.")
	case key != "" && !strings.HasPrefix(sse, "aws:kms"):
		return fault("InvalidArgument", "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	case acl != "" && acl != "bucket-owner-full-control":
		return fault("AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	return nil
}

// written makes the version that a request asks for, still without its body.
func (q *s3Request) written() (*s3Version, error) {
	if len(q.key) > mostKeyBytes {
		return nil, fault("KeyTooLongError", "Your key is too long")
	}
	headers, err := q.headers()
	if err != nil {
		return nil, err
	}
	tags, err := q.headerTags()
	if err != nil {
		return nil, err
	}
	return &s3Version{key: q.key, headers: headers, tags: tags, modified: q.now}, nil
}

func (q *s3Request) putObject() (*s3Answer, error) {
	if q.in.Header.Get("X-Amz-Copy-Source") != "" {
		return q.copyObject()
	}
	v, err := q.written()
	if err != nil {
		return nil, err
	}
	if v.checksums, err = q.checksums(); err != nil {
		return nil, err
	}
	v.body = q.body
	return q.stored(v)
}

// stored keeps a new version if the request's conditions hold.
func (q *s3Request) stored(v *s3Version) (*s3Answer, error) {
	b := q.target()
	if err := q.writeConditions(); err != nil {
		return nil, err
	}
	b.encrypt(v)
	if v.etag == "" {
		v.etag = s3ETag(v)
	}
	q.w.s3().keep(b, v)
	header := q.versionHeader(v)
	header["Etag"] = `"` + v.etag + `"`
	maps.Copy(header, v.encryptionHeaders())
	maps.Copy(header, v.checksumHeaders())
	return &s3Answer{header: header}, nil
}

// writeConditions holds If-Match and If-None-Match to the current version (user
// guide, "Conditional requests").
func (q *s3Request) writeConditions() error {
	current := q.target().latest(q.key)
	there := current != nil && !current.marker
	if given := q.in.Header.Get("If-None-Match"); given != "" {
		switch {
		case given != "*":
			return s3Fault(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
		case there:
			return preconditionFailed()
		}
	}
	switch given := q.in.Header.Get("If-Match"); {
	case given == "":
	case !there:
		return noSuchKey()
	case given != "*" && strings.Trim(given, `"`) != current.etag:
		return preconditionFailed()
	}
	return nil
}

func preconditionFailed() *Fault {
	return s3Fault(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

func (v *s3Version) encryptionHeaders() map[string]string {
	out := map[string]string{}
	for name, value := range v.headers {
		if strings.HasPrefix(name, "X-Amz-Server-Side-Encryption") {
			out[name] = value
		}
	}
	return out
}

func (v *s3Version) checksumHeaders() map[string]string {
	out := map[string]string{"X-Amz-Checksum-Type": "FULL_OBJECT"}
	if v.composite {
		out["X-Amz-Checksum-Type"] = "COMPOSITE"
	}
	for algorithm, sum := range v.checksums {
		out[http.CanonicalHeaderKey("X-Amz-Checksum-"+algorithm)] = sum
	}
	return out
}

// deleteObject removes a version, or hides the object behind a marker. One that
// is not there is deleted already.
func (q *s3Request) deleteObject() (*s3Answer, error) {
	if given := q.in.Header.Get("If-Match"); given != "" {
		if err := q.writeConditions(); err != nil {
			return nil, err
		}
	}
	gone := q.remove(q.key, q.query.Get("versionId"))
	header := map[string]string{}
	if q.target().versioning != "" && gone.id != "" {
		header["X-Amz-Version-Id"] = gone.id
	}
	if gone.marker {
		header["X-Amz-Delete-Marker"] = "true"
	}
	return &s3Answer{status: http.StatusNoContent, header: header}, nil
}

// remove deletes and returns what was deleted, or the marker that was made.
func (q *s3Request) remove(key, id string) s3Version {
	b := q.target()
	if id != "" {
		for _, v := range b.objects[key] {
			if v.id == id {
				b.drop(v)
				return *v
			}
		}
		return s3Version{id: id}
	}
	if b.versioning == "" {
		if v := b.latest(key); v != nil {
			b.drop(v)
		}
		return s3Version{}
	}
	marker := &s3Version{key: key, marker: true, modified: q.now}
	q.w.s3().keep(b, marker)
	return *marker
}

// deleteObjects is the deletion of up to a thousand objects.
func (q *s3Request) deleteObjects() (*s3Answer, error) {
	const most = 1000
	var list struct {
		Quiet   bool
		Objects []struct {
			Key       string
			VersionID string `xml:"VersionId"`
		} `xml:"Object"`
	}
	if err := q.readXML(&list); err != nil {
		return nil, err
	}
	if len(list.Objects) == 0 || len(list.Objects) > most {
		return nil, s3Malformed()
	}
	if _, err := q.checksums(); err != nil {
		return nil, err
	}
	type deleted struct {
		Key                   string
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	var all []deleted
	for _, o := range list.Objects {
		gone := q.remove(o.Key, o.VersionID)
		d := deleted{Key: o.Key, VersionID: o.VersionID, DeleteMarker: gone.marker}
		if gone.marker {
			d.DeleteMarkerVersionID = gone.id
		}
		all = append(all, d)
	}
	if list.Quiet {
		all = nil
	}
	return &s3Answer{body: struct {
		XMLName xml.Name `xml:"DeleteResult"`
		XMLNS   string   `xml:"xmlns,attr"`
		Deleted []deleted
	}{XMLNS: s3XMLNS, Deleted: all}}, nil
}
