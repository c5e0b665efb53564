package aws

import (
	"bytes"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// s3Setting is a document that a bucket keeps under a subresource.
type s3Setting struct {
	initial string // what new buckets have
	check   func(q *s3Request) error
	missing *Fault
	stored  int               // HTTP status of a PUT
	header  map[string]string // of what answers a PUT and a GET
	// reset says that deleting brings the initial document back.
	reset bool
}

// s3Settings are the documents by their subresources.
func s3Settings() map[string]s3Setting {
	missing := func(code, words string) *Fault { return s3Fault(http.StatusNotFound, code, "%s", words) }
	return map[string]s3Setting{
		"policy": {
			check: (*s3Request).policyFault, stored: http.StatusNoContent,
			missing: missing("NoSuchBucketPolicy", "The bucket policy does not exist"),
		},
		"encryption": {
			check: (*s3Request).encryptionFault, stored: http.StatusOK, reset: true,
			missing: missing("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"),
			initial: `<ServerSideEncryptionConfiguration xmlns="` + s3XMLNS + `"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`,
		},
		"publicAccessBlock": {
			check: (*s3Request).publicAccessFault, stored: http.StatusOK,
			missing: missing("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
			initial: `<PublicAccessBlockConfiguration xmlns="` + s3XMLNS + `"><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
		},
		"lifecycle": {
			check: (*s3Request).lifecycleFault, stored: http.StatusOK,
			missing: missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
			header:  map[string]string{"X-Amz-Transition-Default-Minimum-Object-Size": "all_storage_classes_128K"},
		},
		"ownershipControls": {
			check: (*s3Request).ownershipFault, stored: http.StatusOK,
			missing: missing("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
			initial: `<OwnershipControls xmlns="` + s3XMLNS + `"><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`,
		},
	}
}

func (q *s3Request) putSetting(sub string, s s3Setting) (*s3Answer, error) {
	if err := s.check(q); err != nil {
		return nil, err
	}
	q.target().settings[sub] = bytes.Clone(q.body)
	return &s3Answer{status: s.stored, header: s.header}, nil
}

func (q *s3Request) getSetting(sub string, s s3Setting) (*s3Answer, error) {
	document, ok := q.target().settings[sub]
	if !ok {
		return nil, s.missing
	}
	kind := "application/xml"
	if sub == "policy" {
		kind = "application/json"
	}
	header := map[string]string{"Content-Type": kind}
	maps.Copy(header, s.header)
	return &s3Answer{header: header, body: document}, nil
}

func (q *s3Request) deleteSetting(sub string, s s3Setting) (*s3Answer, error) {
	delete(q.target().settings, sub)
	if s.reset {
		q.target().settings[sub] = []byte(s.initial)
	}
	return &s3Answer{status: http.StatusNoContent}, nil
}

// policyFault refuses a bucket policy, in the service's words. Policies are kept
// but not enforced.
func (q *s3Request) policyFault() error {
	malformed := func(words string) error { return fault("MalformedPolicy", "%s", words) }
	doc, wrong := parsePolicy(string(q.body))
	switch {
	case len(q.body) == 0 || q.body[0] != '{' || strings.Contains(wrong, "Json"):
		return malformed("Policies must be valid JSON and the first byte must be '{'")
	case wrong != "":
		return malformed(wrong)
	}
	for _, s := range doc.Statement {
		if s.Principal == nil && s.NotPrincipal == nil {
			return malformed("Missing required field Principal")
		}
		if !q.principalsExist(s.Principal) {
			return malformed("Invalid principal in policy")
		}
		for _, r := range append(words(s.Resource), words(s.NotResource)...) {
			if owner, _, _ := strings.Cut(arnPart(r, 5), "/"); arnPart(r, 2) != "s3" || owner != q.bucket {
				return malformed("Policy has invalid resource")
			}
		}
		if q.public(s) && bytes.Contains(q.target().settings["publicAccessBlock"], []byte("<BlockPublicPolicy>true")) {
			return s3Fault(http.StatusForbidden, "AccessDenied", "Access Denied: public policies are blocked by the BlockPublicPolicy block public access setting.")
		}
	}
	return nil
}

// principalsExist reports whether the account's roles that a statement names exist.
func (q *s3Request) principalsExist(principal any) bool {
	named, _ := principal.(map[string]any)
	return !slices.ContainsFunc(words(named["AWS"]), func(p string) bool {
		return strings.HasPrefix(arnPart(p, 5), "role/") && arnPart(p, 4) == q.w.config.Account && q.w.roleWith(p) == nil
	})
}

// public reports whether a statement lets everybody in.
func (q *s3Request) public(s policyStatement) bool {
	named, _ := s.Principal.(map[string]any)
	all := s.Principal == "*" || slices.Contains(words(named["AWS"]), "*")
	return s.Effect == "Allow" && all && len(s.Condition) == 0
}

// s3Encryption is the document of the subresource encryption.
type s3Encryption struct {
	Rules []struct {
		Default struct {
			SSEAlgorithm   string `xml:"SSEAlgorithm"`
			KMSMasterKeyID string `xml:"KMSMasterKeyID"`
		} `xml:"ApplyServerSideEncryptionByDefault"`
		BucketKeyEnabled bool `xml:"BucketKeyEnabled"`
	} `xml:"Rule"`
}

func s3EncryptionKnown(algorithm string) bool {
	return slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, algorithm)
}

func (q *s3Request) encryptionFault() error {
	var e s3Encryption
	if err := q.readXML(&e); err != nil {
		return err
	}
	if len(e.Rules) != 1 || !s3EncryptionKnown(e.Rules[0].Default.SSEAlgorithm) {
		return s3Malformed()
	}
	if d := e.Rules[0].Default; d.KMSMasterKeyID != "" && d.SSEAlgorithm == "AES256" {
		return fault("InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	}
	return nil
}

func (q *s3Request) publicAccessFault() error {
	var p struct {
		XMLName xml.Name `xml:"PublicAccessBlockConfiguration"`

		BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets *bool
	}
	if q.readXML(&p) != nil || p.XMLName.Local == "" {
		return s3Malformed()
	}
	return nil
}

func (q *s3Request) ownershipFault() error {
	var o struct {
		Rules []struct{ ObjectOwnership string } `xml:"Rule"`
	}
	if err := q.readXML(&o); err != nil {
		return err
	}
	if len(o.Rules) != 1 || !slices.Contains([]string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}, o.Rules[0].ObjectOwnership) {
		return s3Malformed()
	}
	return nil
}

// s3Lifecycle is the document of the subresource lifecycle.
type s3Lifecycle struct {
	Rules []s3LifecycleRule `xml:"Rule"`
}

type s3LifecycleRule struct {
	ID, Status string
	Prefix     *string
	Filter     *struct {
		Prefix *string
		Tag    *s3Tag
		And    *struct{ Tags []s3Tag } `xml:"And"`
	}
	Expiration *struct {
		Days                      *int
		Date                      string
		ExpiredObjectDeleteMarker *bool
	}
	NoncurrentVersionExpiration *struct {
		NoncurrentDays          *int
		NewerNoncurrentVersions *int
	}
	Transitions                    []struct{ Days *int }           `xml:"Transition"`
	NoncurrentVersionTransitions   []struct{ NoncurrentDays *int } `xml:"NoncurrentVersionTransition"`
	AbortIncompleteMultipartUpload *struct{ DaysAfterInitiation *int }
}

// lifecycleFault holds rules to the API reference, LifecycleRule.
func (q *s3Request) lifecycleFault() error {
	const mostRules, mostID = 1000, 255
	var l s3Lifecycle
	if err := q.readXML(&l); err != nil {
		return err
	}
	if len(l.Rules) == 0 || len(l.Rules) > mostRules {
		return s3Malformed()
	}
	seen := map[string]bool{}
	for _, r := range l.Rules {
		switch {
		case r.Status != "Enabled" && r.Status != "Disabled", r.Prefix == nil && r.Filter == nil, r.Prefix != nil && r.Filter != nil:
			return s3Malformed()
		case len(r.ID) > mostID:
			return fault("InvalidArgument", "ID length should not exceed allowed limit of %d", mostID)
		case r.ID != "" && seen[r.ID]:
			return fault("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
		}
		seen[r.ID] = true
		if err := r.actionsFault(); err != nil {
			return err
		}
	}
	return nil
}

// actionsFault refuses a rule that does nothing, or at no time.
func (r s3LifecycleRule) actionsFault() error {
	var days []*int
	if r.Expiration != nil {
		days = append(days, r.Expiration.Days)
	}
	if r.NoncurrentVersionExpiration != nil {
		if r.NoncurrentVersionExpiration.NoncurrentDays == nil {
			return s3Malformed()
		}
		days = append(days, r.NoncurrentVersionExpiration.NoncurrentDays)
	}
	if a := r.AbortIncompleteMultipartUpload; a != nil {
		days = append(days, a.DaysAfterInitiation)
		if r.Filter != nil && (r.Filter.Tag != nil || r.Filter.And != nil && len(r.Filter.And.Tags) > 0) {
			return fault("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags.")
		}
	}
	if len(days)+len(r.Transitions)+len(r.NoncurrentVersionTransitions) == 0 {
		return fault("InvalidRequest", "At least one action needs to be specified in a rule.")
	}
	for _, n := range days {
		if n != nil && *n <= 0 {
			return fault("InvalidArgument", "'Days' for Expiration action must be a positive integer")
		}
	}
	return nil
}
