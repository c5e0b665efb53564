package aws

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// mostObjectTags is how many tags an object may have.
const mostObjectTags = 10

// s3Tag is a tag as documents write it.
type s3Tag struct{ Key, Value string }

type s3Tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	XMLNS   string   `xml:"xmlns,attr,omitempty"`
	Tags    []s3Tag  `xml:"TagSet>Tag"`
}

// s3TagSet holds tags to the API reference, Tag.
func s3TagSet(all []s3Tag, most int) (tagSet, error) {
	out := tagSet{}
	for _, t := range all {
		switch _, twice := out[t.Key]; {
		case twice:
			return nil, fault("InvalidTag", "Cannot provide multiple Tags with the same key")
		case t.Key == "" || len([]rune(t.Key)) > 128:
			return nil, fault("InvalidTag", "The TagKey you have provided is invalid")
		case len([]rune(t.Value)) > 256:
			return nil, fault("InvalidTag", "The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, fault("InvalidTag", "System tags cannot be added/updated by requester")
		}
		out[t.Key] = t.Value
	}
	if len(out) > most {
		return nil, fault("BadRequest", "Tags cannot be greater than %d", most)
	}
	return out, nil
}

func (q *s3Request) readTags(most int) (tagSet, error) {
	var t s3Tagging
	if err := q.readXML(&t); err != nil {
		return nil, err
	}
	return s3TagSet(t.Tags, most)
}

func s3TagAnswer(tags tagSet) *s3Answer {
	out := s3Tagging{XMLNS: s3XMLNS}
	for _, t := range tags.list() {
		tag, _ := t.(Params)
		out.Tags = append(out.Tags, s3Tag{text(tag, "Key"), text(tag, "Value")})
	}
	return &s3Answer{body: out}
}

func (q *s3Request) putBucketTags() (*s3Answer, error) {
	tags, err := q.readTags(mostTags)
	if err != nil {
		return nil, err
	}
	q.target().tags = tags
	return &s3Answer{status: http.StatusNoContent}, nil
}

func (q *s3Request) getBucketTags() (*s3Answer, error) {
	if len(q.target().tags) == 0 {
		return nil, s3Fault(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	return s3TagAnswer(q.target().tags), nil
}

func (q *s3Request) deleteBucketTags() (*s3Answer, error) {
	q.target().tags = tagSet{}
	return &s3Answer{status: http.StatusNoContent}, nil
}

func (q *s3Request) putObjectTags() (*s3Answer, error) {
	v, out, err := q.version()
	if err != nil {
		return out, err
	}
	tags, err := q.readTags(mostObjectTags)
	if err != nil {
		return nil, err
	}
	v.tags = tags
	return &s3Answer{header: q.versionHeader(v)}, nil
}

func (q *s3Request) getObjectTags() (*s3Answer, error) {
	v, out, err := q.version()
	if err != nil {
		return out, err
	}
	out = s3TagAnswer(v.tags)
	out.header = q.versionHeader(v)
	return out, nil
}

func (q *s3Request) deleteObjectTags() (*s3Answer, error) {
	v, out, err := q.version()
	if err != nil {
		return out, err
	}
	v.tags = tagSet{}
	return &s3Answer{status: http.StatusNoContent, header: q.versionHeader(v)}, nil
}

// headerTags reads the header x-amz-tagging.
func (q *s3Request) headerTags() (tagSet, error) {
	values, err := url.ParseQuery(q.in.Header.Get("X-Amz-Tagging"))
	if err != nil {
		return nil, fault("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var all []s3Tag
	for key, v := range values {
		for _, value := range v {
			all = append(all, s3Tag{key, value})
		}
	}
	return s3TagSet(all, mostObjectTags)
}
