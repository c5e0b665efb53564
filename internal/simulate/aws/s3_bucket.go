package aws

import (
	"encoding/xml"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// s3XMLNS is the namespace of S3's documents.
const s3XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"

// s3Time is how documents write times.
const s3Time = "2006-01-02T15:04:05.000Z"

var s3BucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// s3BucketNameOK holds a name to the user guide's "General purpose bucket naming
// rules".
func s3BucketNameOK(name string) bool {
	for _, bad := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, bad) {
			return false
		}
	}
	for _, bad := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, bad) {
			return false
		}
	}
	return s3BucketName.MatchString(name) && !strings.Contains(name, "..") && net.ParseIP(name) == nil
}

// createBucket makes a bucket as they are since April 2023: public access blocked,
// no ACLs, encrypted with S3's own keys (user guide, "Default settings for new S3
// bucket").
func (q *s3Request) createBucket() (*s3Answer, error) {
	var config struct {
		LocationConstraint string
		Tags               []s3Tag `xml:"Tags>Tag"`
	}
	if err := q.readXML(&config); err != nil {
		return nil, err
	}
	if !s3BucketNameOK(q.bucket) {
		return nil, fault("InvalidBucketName", "The specified bucket is not valid.")
	}
	if err := q.locationFault(config.LocationConstraint); err != nil {
		return nil, err
	}
	if acl := q.in.Header.Get("X-Amz-Acl"); acl != "" && acl != "private" {
		return nil, fault("InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	if old := q.w.s3().buckets[q.bucket]; old != nil {
		return q.bucketTaken(old)
	}
	tags, err := s3TagSet(config.Tags, mostTags)
	if err != nil {
		return nil, err
	}
	b := &s3Bucket{
		name: q.bucket, region: q.region, created: q.now, tags: tags,
		settings: map[string][]byte{}, objects: map[string][]*s3Version{},
	}
	for sub, setting := range s3Settings() {
		if setting.initial != "" {
			b.settings[sub] = []byte(setting.initial)
		}
	}
	q.w.s3().buckets[q.bucket] = b
	return &s3Answer{header: map[string]string{"Location": "/" + q.bucket}}, nil
}

// locationFault refuses a bucket for another region than the request's. The first
// region's name is not said.
func (q *s3Request) locationFault(constraint string) error {
	const first = "us-east-1"
	switch {
	case constraint == first:
		return fault("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case constraint == "" && q.region != first:
		return fault("IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case constraint != "" && constraint != q.region:
		return fault("IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
	}
	return nil
}

// bucketTaken answers a second creation. The first region says nothing of it
// (API reference, CreateBucket).
func (q *s3Request) bucketTaken(old *s3Bucket) (*s3Answer, error) {
	switch {
	case old.foreign:
		return nil, s3Fault(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case old.region == "us-east-1" && q.region == "us-east-1":
		return &s3Answer{header: map[string]string{"Location": "/" + q.bucket}}, nil
	}
	return nil, s3Fault(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
}

func (q *s3Request) deleteBucket() (*s3Answer, error) {
	b := q.target()
	for key := range b.objects {
		if v := b.latest(key); v != nil && !v.marker && b.versioning == "" {
			return nil, s3Fault(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
		}
		return nil, s3Fault(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
	}
	for id, u := range q.w.s3().uploads {
		if u.bucket == b.name {
			delete(q.w.s3().uploads, id)
		}
	}
	delete(q.w.s3().buckets, b.name)
	return &s3Answer{status: http.StatusNoContent}, nil
}

func (q *s3Request) headBucket() (*s3Answer, error) {
	return &s3Answer{header: map[string]string{"X-Amz-Bucket-Region": q.target().region}}, nil
}

func (q *s3Request) location() (*s3Answer, error) {
	region := q.target().region
	if region == "us-east-1" {
		region = "" // the first region has no name here
	}
	return &s3Answer{body: struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		XMLNS   string   `xml:"xmlns,attr"`
		Region  string   `xml:",chardata"`
	}{XMLNS: s3XMLNS, Region: region}}, nil
}

func (q *s3Request) listBuckets() (*s3Answer, error) {
	type entry struct{ Name, CreationDate, BucketRegion string }
	var all []entry
	for _, b := range sorted(q.w.s3().buckets) {
		if region := q.query.Get("bucket-region"); !b.foreign && (region == "" || region == b.region) && strings.HasPrefix(b.name, q.query.Get("prefix")) {
			all = append(all, entry{b.name, b.created.Format(s3Time), b.region})
		}
	}
	return &s3Answer{body: struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		XMLNS   string   `xml:"xmlns,attr"`
		Owner   s3Owner
		Buckets []entry `xml:"Buckets>Bucket"`
	}{XMLNS: s3XMLNS, Owner: q.owner(), Buckets: all}}, nil
}

// s3Owner is the account as documents name it.
type s3Owner struct{ ID, DisplayName string }

func (q *s3Request) owner() s3Owner {
	return s3Owner{ID: strings.ReplaceAll(uuidOf("canonical", q.w.config.Account)+uuidOf(q.w.config.Account), "-", "")}
}

// putACL is refused: ACLs are off, as in new buckets (user guide, "Controlling
// ownership of objects and disabling ACLs").
func (q *s3Request) putACL() (*s3Answer, error) {
	return nil, fault("AccessControlListNotSupported", "The bucket does not allow ACLs")
}

func (q *s3Request) getACL() (*s3Answer, error) {
	type grantee struct {
		XSI  string `xml:"xmlns:xsi,attr"`
		Type string `xml:"xsi:type,attr"`
		ID   string
	}
	type grant struct {
		Grantee    grantee
		Permission string
	}
	return &s3Answer{body: struct {
		XMLName xml.Name `xml:"AccessControlPolicy"`
		XMLNS   string   `xml:"xmlns,attr"`
		Owner   s3Owner
		Grants  []grant `xml:"AccessControlList>Grant"`
	}{XMLNS: s3XMLNS, Owner: q.owner(), Grants: []grant{{
		Grantee:    grantee{XSI: "http://www.w3.org/2001/XMLSchema-instance", Type: "CanonicalUser", ID: q.owner().ID},
		Permission: "FULL_CONTROL",
	}}}}, nil
}

type s3Versioning struct {
	XMLName   xml.Name `xml:"VersioningConfiguration"`
	XMLNS     string   `xml:"xmlns,attr,omitempty"`
	Status    string   `xml:",omitempty"`
	MFADelete string   `xml:"MfaDelete,omitempty"`
}

func (q *s3Request) putVersioning() (*s3Answer, error) {
	var v s3Versioning
	if err := q.readXML(&v); err != nil {
		return nil, err
	}
	if v.Status != "Enabled" && v.Status != "Suspended" {
		return nil, fault("IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	if v.MFADelete == "Enabled" {
		return nil, s3Fault(http.StatusForbidden, "AccessDenied", "This operation may only be performed by the bucket owner")
	}
	q.target().versioning = v.Status
	return &s3Answer{}, nil
}

func (q *s3Request) getVersioning() (*s3Answer, error) {
	return &s3Answer{body: s3Versioning{XMLNS: s3XMLNS, Status: q.target().versioning}}, nil
}

// httpTime is how headers write times.
func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
