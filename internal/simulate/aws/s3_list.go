package aws

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// s3ListPage is the most that one list has.
const s3ListPage = 1000

// s3Content is an object in a list.
type s3Content struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
	ChecksumAlgorithm       []string `xml:",omitempty"`
	Owner                   *s3Owner `xml:",omitempty"`
}

type s3Prefix struct{ Prefix string }

// s3List is the answer to both list operations.
type s3List struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	XMLNS                 string   `xml:"xmlns,attr"`
	Name, Prefix          string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              *int `xml:",omitempty"`
	IsTruncated           bool
	Marker                *string `xml:",omitempty"`
	NextMarker            string  `xml:",omitempty"`
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	Contents              []s3Content
	CommonPrefixes        []s3Prefix
}

// written is a key as the list's encoding has it.
func (q *s3Request) encodedKey(key string) string {
	if q.query.Get("encoding-type") != "url" {
		return key
	}
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// pageSize is how many entries a list may have.
func (q *s3Request) pageSize(option string) (int, error) {
	given := q.query.Get(option)
	if given == "" {
		return s3ListPage, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 0 {
		return 0, fault("InvalidArgument", "Provided %s not an integer or within integer range", option)
	}
	return min(n, s3ListPage), nil
}

// folder is the common prefix that a key falls under, or "".
func (q *s3Request) folder(key string) string {
	delimiter, prefix := q.query.Get("delimiter"), q.query.Get("prefix")
	if delimiter == "" {
		return ""
	}
	if before, _, ok := strings.Cut(key[len(prefix):], delimiter); ok {
		return prefix + before + delimiter
	}
	return ""
}

// listObjects is ListObjectsV2, and ListObjects where the request does not say
// otherwise.
func (q *s3Request) listObjects() (*s3Answer, error) {
	size, err := q.pageSize("max-keys")
	if err != nil {
		return nil, err
	}
	second := q.query.Get("list-type") == "2"
	out := s3List{
		XMLNS: s3XMLNS, Name: q.bucket, Prefix: q.encodedKey(q.query.Get("prefix")), Delimiter: q.query.Get("delimiter"),
		EncodingType: q.query.Get("encoding-type"), MaxKeys: size,
	}
	after := q.query.Get("marker")
	if second {
		out.StartAfter, out.ContinuationToken = q.query.Get("start-after"), q.query.Get("continuation-token")
		if after, err = s3After(out.StartAfter, out.ContinuationToken); err != nil {
			return nil, err
		}
	} else {
		out.Marker = &after
	}
	last := q.fill(&out, after, size)
	if second {
		n := len(out.Contents) + len(out.CommonPrefixes)
		out.KeyCount = &n
	}
	switch {
	case !out.IsTruncated:
	case second:
		out.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
	case out.Delimiter != "":
		out.NextMarker = q.encodedKey(last)
	}
	return &s3Answer{body: out}, nil
}

// s3After is the key after which a page begins.
func s3After(start, token string) (string, error) {
	if token == "" {
		return start, nil
	}
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		return "", fault("InvalidArgument", "The continuation token provided is incorrect")
	}
	return string(raw), nil
}

// fill adds what comes after a key and returns the last that fits.
func (q *s3Request) fill(out *s3List, after string, size int) (last string) {
	b := q.target()
	seen := ""
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		v := b.latest(key)
		if !strings.HasPrefix(key, q.query.Get("prefix")) || v.marker || key <= after {
			continue
		}
		folder := q.folder(key)
		if folder != "" && (folder == seen || folder <= after) {
			continue
		}
		if len(out.Contents)+len(out.CommonPrefixes) == size {
			out.IsTruncated = size > 0
			return last
		}
		if folder != "" {
			seen, last = folder, folder
			out.CommonPrefixes = append(out.CommonPrefixes, s3Prefix{q.encodedKey(folder)})
			continue
		}
		last = key
		out.Contents = append(out.Contents, q.content(v))
	}
	return last
}

func (q *s3Request) content(v *s3Version) s3Content {
	c := s3Content{
		Key: q.encodedKey(v.key), LastModified: v.modified.Format(s3Time), ETag: `"` + v.etag + `"`, Size: len(v.body),
		StorageClass: v.class(),
	}
	c.ChecksumAlgorithm = v.algorithms()
	if q.query.Get("fetch-owner") == "true" {
		owner := q.owner()
		c.Owner = &owner
	}
	return c
}

// algorithms are those of a version's checksums, as lists name them.
func (v *s3Version) algorithms() []string {
	var out []string
	for _, a := range slices.Sorted(maps.Keys(v.checksums)) {
		out = append(out, strings.ToUpper(a))
	}
	return out
}

func (v *s3Version) class() string {
	if class := v.headers["X-Amz-Storage-Class"]; class != "" {
		return class
	}
	return "STANDARD"
}

// s3Listed is a version, or a delete marker, in a list of versions.
type s3Listed struct {
	XMLName      xml.Name
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string  `xml:",omitempty"`
	Size         *int    `xml:",omitempty"`
	StorageClass string  `xml:",omitempty"`
	Owner        s3Owner `xml:"Owner"`

	ChecksumAlgorithm []string `xml:",omitempty"`
}

// s3Versions is the answer to ListObjectVersions.
type s3Versions struct {
	XMLName             xml.Name `xml:"ListVersionsResult"`
	XMLNS               string   `xml:"xmlns,attr"`
	Name, Prefix        string
	Delimiter           string `xml:",omitempty"`
	EncodingType        string `xml:",omitempty"`
	KeyMarker           string
	VersionIDMarker     string `xml:"VersionIdMarker"`
	MaxKeys             int
	IsTruncated         bool
	NextKeyMarker       string `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	Entries             []s3Listed
	CommonPrefixes      []s3Prefix
}

// listVersions lists keys in order, and of each the newest version first.
func (q *s3Request) listVersions() (*s3Answer, error) {
	size, err := q.pageSize("max-keys")
	if err != nil {
		return nil, err
	}
	out := s3Versions{
		XMLNS: s3XMLNS, Name: q.bucket, Prefix: q.encodedKey(q.query.Get("prefix")), Delimiter: q.query.Get("delimiter"),
		EncodingType: q.query.Get("encoding-type"), KeyMarker: q.query.Get("key-marker"),
		VersionIDMarker: q.query.Get("version-id-marker"), MaxKeys: size,
	}
	if out.VersionIDMarker != "" && out.KeyMarker == "" {
		return nil, fault("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
	}
	q.fillVersions(&out, size)
	return &s3Answer{body: out}, nil
}

// fillVersions adds what comes after the markers.
func (q *s3Request) fillVersions(out *s3Versions, size int) {
	seen := ""
	for _, v := range q.versionsAfter(out.KeyMarker, out.VersionIDMarker) {
		folder := q.folder(v.key)
		if folder != "" && (folder == seen || folder <= out.KeyMarker) {
			continue
		}
		if len(out.Entries)+len(out.CommonPrefixes) == size {
			out.IsTruncated = size > 0
			return
		}
		if folder != "" {
			seen = folder
			out.CommonPrefixes = append(out.CommonPrefixes, s3Prefix{q.encodedKey(folder)})
			out.NextKeyMarker, out.NextVersionIDMarker = q.encodedKey(folder), ""
			continue
		}
		out.Entries = append(out.Entries, q.listed(v))
		out.NextKeyMarker, out.NextVersionIDMarker = q.encodedKey(v.key), v.id
	}
	out.NextKeyMarker, out.NextVersionIDMarker = "", "" // there is no next page
}

// versionsAfter are the versions of the request's prefix that come after one.
func (q *s3Request) versionsAfter(key, id string) []*s3Version {
	b := q.target()
	var all []*s3Version
	for _, k := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(k, q.query.Get("prefix")) || k < key || k == key && id == "" {
			continue
		}
		found := k != key
		for _, v := range slices.Backward(b.objects[k]) {
			if found {
				all = append(all, v)
			}
			found = found || v.id == id
		}
	}
	return all
}

func (q *s3Request) listed(v *s3Version) s3Listed {
	out := s3Listed{
		XMLName: xml.Name{Local: "Version"}, Key: q.encodedKey(v.key), VersionID: v.id, IsLatest: q.target().latest(v.key) == v,
		LastModified: v.modified.Format(s3Time), Owner: q.owner(),
	}
	if v.marker {
		out.XMLName.Local = "DeleteMarker"
		return out
	}
	size := len(v.body)
	out.ETag, out.Size, out.StorageClass, out.ChecksumAlgorithm = `"`+v.etag+`"`, &size, v.class(), v.algorithms()
	return out
}
