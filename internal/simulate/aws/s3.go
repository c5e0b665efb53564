package aws

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// s3State is what the service keeps. Names of buckets are the world's, not the
// region's.
type s3State struct {
	buckets map[string]*s3Bucket
	uploads map[string]*s3Upload // by ID
	made    int                  // versions and uploads so far, for their IDs
}

// s3Bucket is a bucket.
type s3Bucket struct {
	name, region string
	foreign      bool // another account's
	created      time.Time
	versioning   string            // "", "Enabled" or "Suspended"
	settings     map[string][]byte // documents by the subresource's name
	tags         tagSet
	objects      map[string][]*s3Version // by key, newest last; never empty
}

// s3Version is one version of an object, or a delete marker.
type s3Version struct {
	key, id   string // "null" where versions are not kept
	marker    bool
	body      []byte
	etag      string
	modified  time.Time
	headers   map[string]string // those that come back as they were sent
	checksums map[string]string // base64, by the algorithm in lower case
	composite bool              // the checksum is one of the parts' checksums
	tags      tagSet
}

// s3Request is a request that has been read whole.
type s3Request struct {
	w           *World
	in          *http.Request
	bucket, key string
	query       url.Values
	body        []byte
	trailer     http.Header
	region      string
	now         time.Time
}

// s3Answer is what comes back. A body that is not bytes is written as XML.
type s3Answer struct {
	status int
	header map[string]string
	body   any
}

// s3 returns the service's state, made at its first use.
func (w *World) s3() *s3State {
	if w.storage == nil {
		w.storage = &s3State{buckets: map[string]*s3Bucket{}, uploads: map[string]*s3Upload{}}
	}
	return w.storage
}

// serveS3 answers a request in the path style: /bucket/key. It takes the world's
// lock itself, once the body has been read.
func (w *World) serveS3(rw http.ResponseWriter, r *http.Request) {
	body, trailer, err := s3Body(r)
	var out *s3Answer
	if err == nil {
		w.mu.Lock()
		out, err = w.s3Request(r, body, trailer).answer()
		w.mu.Unlock()
	}
	if err != nil {
		out = s3Refusal(err, out)
	}
	out.write(rw, r)
}

func (w *World) s3Request(r *http.Request, body []byte, trailer http.Header) *s3Request {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	region := w.config.Region
	if signed := scope.FindStringSubmatch(r.Header.Get("Authorization")); signed != nil {
		region = signed[1]
	}
	return &s3Request{
		w: w, in: r, bucket: bucket, key: key, query: r.URL.Query(), body: body, trailer: trailer,
		region: region, now: w.config.Now().UTC(),
	}
}

// s3Fault makes an error with its HTTP status.
func s3Fault(status int, code, format string, args ...any) *Fault {
	f := fault(code, format, args...)
	f.Status = status
	return f
}

// s3Refusal is the answer that an error is, with the headers that came with it.
func s3Refusal(err error, out *s3Answer) *s3Answer {
	f, ok := errors.AsType[*Fault](err)
	if !ok {
		f = s3Fault(http.StatusInternalServerError, "InternalError", "%s", err.Error())
	}
	if out == nil {
		out = &s3Answer{}
	}
	out.status, out.body = f.Status, struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: f.Code, Message: f.Message, RequestID: "0000000000000000"}
	if out.status == 0 {
		out.status = http.StatusBadRequest
	}
	return out
}

// write sends the answer. Answers to HEAD have no body, but its length.
func (a *s3Answer) write(rw http.ResponseWriter, r *http.Request) {
	raw, ok := a.body.([]byte)
	if a.body != nil && !ok {
		rw.Header().Set("Content-Type", "application/xml")
		encoded, err := xml.Marshal(a.body)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		raw = append([]byte(xml.Header), encoded...)
	}
	for name, value := range a.header {
		rw.Header().Set(name, value)
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified && rw.Header().Get("Content-Length") == "" {
		rw.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	rw.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = rw.Write(raw)
	}
}

// s3Route is an operation: where it applies, its method and its subresource.
type s3Route struct {
	level, method, sub string
}

// The levels of addresses.
const (
	levelService = "service"
	levelBucket  = "bucket"
	levelObject  = "object"
)

// routes are the operations that are answered here.
func (q *s3Request) routes() map[s3Route]func() (*s3Answer, error) {
	all := map[s3Route]func() (*s3Answer, error){
		{levelService, "GET", ""}: q.listBuckets,
		{levelBucket, "PUT", ""}:  q.createBucket, {levelBucket, "DELETE", ""}: q.deleteBucket,
		{levelBucket, "HEAD", ""}: q.headBucket, {levelBucket, "GET", "location"}: q.location,
		{levelBucket, "GET", ""}: q.listObjects, {levelBucket, "GET", "versions"}: q.listVersions,
		{levelBucket, "GET", "uploads"}: q.listUploads, {levelBucket, "POST", "delete"}: q.deleteObjects,
		{levelBucket, "PUT", "versioning"}: q.putVersioning, {levelBucket, "GET", "versioning"}: q.getVersioning,
		{levelBucket, "PUT", "tagging"}: q.putBucketTags, {levelBucket, "GET", "tagging"}: q.getBucketTags,
		{levelBucket, "DELETE", "tagging"}: q.deleteBucketTags,
		{levelBucket, "PUT", "acl"}:        q.putACL, {levelBucket, "GET", "acl"}: q.getACL,

		{levelObject, "PUT", ""}: q.putObject, {levelObject, "GET", ""}: q.getObject, {levelObject, "HEAD", ""}: q.getObject,
		{levelObject, "DELETE", ""}: q.deleteObject, {levelObject, "PUT", "acl"}: q.putACL, {levelObject, "GET", "acl"}: q.getACL,
		{levelObject, "PUT", "tagging"}: q.putObjectTags, {levelObject, "GET", "tagging"}: q.getObjectTags,
		{levelObject, "DELETE", "tagging"}: q.deleteObjectTags,
		{levelObject, "POST", "uploads"}:   q.createUpload, {levelObject, "PUT", "uploadId"}: q.uploadPart,
		{levelObject, "POST", "uploadId"}: q.completeUpload, {levelObject, "DELETE", "uploadId"}: q.abortUpload,
		{levelObject, "GET", "uploadId"}: q.listParts,
	}
	for sub, setting := range s3Settings() {
		all[s3Route{levelBucket, "PUT", sub}] = func() (*s3Answer, error) { return q.putSetting(sub, setting) }
		all[s3Route{levelBucket, "GET", sub}] = func() (*s3Answer, error) { return q.getSetting(sub, setting) }
		all[s3Route{levelBucket, "DELETE", sub}] = func() (*s3Answer, error) { return q.deleteSetting(sub, setting) }
	}
	return all
}

// subresource is what a query says that a request is about. Other members are
// options of the operation.
func (q *s3Request) subresource() string {
	known := []string{
		"uploadId", "uploads", "versions", "delete", "versioning", "tagging", "location", "acl", "policy", "encryption",
		"publicAccessBlock", "lifecycle", "ownershipControls", "cors", "website", "logging", "notification", "replication",
		"object-lock", "accelerate", "requestPayment", "policyStatus", "attributes", "retention", "legal-hold", "torrent",
		"restore", "select", "inventory", "metrics", "analytics", "intelligent-tiering",
	}
	for _, name := range known {
		if q.query.Has(name) {
			return name
		}
	}
	return ""
}

func (q *s3Request) answer() (*s3Answer, error) {
	level := levelObject
	switch {
	case q.bucket == "":
		level = levelService
	case q.key == "":
		level = levelBucket
	}
	route := s3Route{level, q.in.Method, q.subresource()}
	do := q.routes()[route]
	if do == nil {
		return nil, s3Fault(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented: %s %s of a %s.", route.method, route.sub, level)
	}
	if level != levelService && route != (s3Route{levelBucket, "PUT", ""}) {
		if out, err := q.allowed(); err != nil {
			return out, err
		}
	}
	return do()
}

// allowed finds the bucket, and turns away those who may not use it or ask for it
// in another region.
func (q *s3Request) allowed() (*s3Answer, error) {
	b := q.w.s3().buckets[q.bucket]
	owner := q.in.Header.Get("X-Amz-Expected-Bucket-Owner")
	switch {
	case b == nil:
		return nil, s3Fault(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case b.foreign, owner != "" && owner != q.w.config.Account:
		return nil, s3Fault(http.StatusForbidden, "AccessDenied", "Access Denied")
	case b.region != q.region && (q.in.Method != http.MethodGet || !q.query.Has("location")):
		return &s3Answer{header: map[string]string{"X-Amz-Bucket-Region": b.region}},
			s3Fault(http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
	}
	return nil, nil //nolint:nilnil // nothing stands against it
}

// target is the request's bucket, which allowed has found.
func (q *s3Request) target() *s3Bucket { return q.w.s3().buckets[q.bucket] }

// readXML reads a request's document.
func (q *s3Request) readXML(into any) error {
	if err := xml.Unmarshal(q.body, into); err != nil && !errors.Is(err, io.EOF) {
		return s3Malformed()
	}
	return nil
}

func s3Malformed() *Fault {
	return fault("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

// objectExists reports whether a bucket has an object.
func (w *World) objectExists(bucket, key string) bool {
	_, ok := w.getObject(bucket, key)
	return ok
}

// getObject returns an object's bytes.
func (w *World) getObject(bucket, key string) ([]byte, bool) {
	b := w.s3().buckets[bucket]
	if b == nil {
		return nil, false
	}
	v := b.latest(key)
	if v == nil || v.marker {
		return nil, false
	}
	return v.body, true
}

// putObject writes an object as a service of the account does. It reports whether
// there is such a bucket.
func (w *World) putObject(bucket, key string, body []byte) bool {
	b := w.s3().buckets[bucket]
	if b == nil || b.foreign {
		return false
	}
	v := &s3Version{
		key: key, body: body, modified: w.config.Now().UTC(), tags: tagSet{},
		headers: map[string]string{"Content-Type": "binary/octet-stream"}, checksums: map[string]string{"crc64nvme": s3Sum("crc64nvme", body)},
	}
	b.encrypt(v)
	v.etag = s3ETag(v)
	w.s3().keep(b, v)
	return true
}

// objectsUnder lists the keys of a bucket that begin with a prefix, in order.
func (w *World) objectsUnder(bucket, prefix string) []string {
	b := w.s3().buckets[bucket]
	if b == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.objects)), func(key string) bool {
		return !strings.HasPrefix(key, prefix) || b.latest(key).marker
	})
}

// TakeBucket lets another account own a bucket's name.
func (w *World) TakeBucket(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.s3().buckets[name] = &s3Bucket{name: name, region: w.config.Region, foreign: true}
}
