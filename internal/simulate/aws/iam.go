package aws

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Limits of roles (IAM user guide, "IAM and STS quotas").
const (
	mostTrustCharacters  = 2048
	mostInlineCharacters = 10240
	mostAttached         = 10
	iamPage              = 100
)

// iamState is what the service keeps. It has no regions.
type iamState struct {
	roles map[string]*iamRole // by name in lower case: names differ by more than case
	// sessions are those that roles were assumed for, by access key.
	sessions map[string]iamSession
}

// iamSession is who a temporary access key stands for.
type iamSession struct{ arn, id string }

// keep remembers a session.
func (s *iamState) keep(key string, session iamSession) {
	if s.sessions == nil {
		s.sessions = map[string]iamSession{}
	}
	s.sessions[key] = session
}

type iamRole struct {
	in       Params // as it was created
	name     string
	arn, id  string
	trust    string
	created  time.Time
	tags     tagSet
	inline   map[string]string // documents by name
	attached map[string]bool   // ARNs of managed policies
	hidden   int               // for how many more looks other services do not see it
}

// iam returns the service's state, made at its first use.
func (w *World) iam() *iamState {
	if w.identity == nil {
		w.identity = &iamState{roles: map[string]*iamRole{}}
	}
	return w.identity
}

func (w *World) iamHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateRole": w.iamCreateRole, "GetRole": w.onRole(iamGetRole), "DeleteRole": w.onRole(w.iamDeleteRole),
		"UpdateAssumeRolePolicy": w.onRole(w.iamUpdateTrust),
		"TagRole":                w.onRole(iamTagRole), "UntagRole": w.onRole(iamUntagRole), "ListRoleTags": w.onRole(iamListTags),
		"PutRolePolicy": w.onRole(iamPutPolicy), "GetRolePolicy": w.onRole(iamGetPolicy),
		"DeleteRolePolicy": w.onRole(iamDeletePolicy), "ListRolePolicies": w.onRole(iamListPolicies),
		"AttachRolePolicy": w.onRole(iamAttach), "DetachRolePolicy": w.onRole(iamDetach),
		"ListAttachedRolePolicies": w.onRole(iamListAttached),
	}
}

// onRole finds the role that a request names.
func (w *World) onRole(do func(*Call, *iamRole) (Params, error)) Handler {
	return func(c *Call) (Params, error) {
		r := w.iam().roles[strings.ToLower(text(c.In, "RoleName"))]
		if r == nil {
			return nil, iamMissing("The role with name %s cannot be found.", text(c.In, "RoleName"))
		}
		return do(c, r)
	}
}

// iamMissing is how the service says that there is no such thing.
func iamMissing(format string, args ...any) *Fault {
	f := fault("NoSuchEntity", format, args...)
	f.Status = http.StatusNotFound
	return f
}

// iamConflict is how the service says that the state does not allow something.
func iamConflict(code, format string, args ...any) *Fault {
	f := fault(code, format, args...)
	f.Status = http.StatusConflict
	return f
}

func (w *World) iamCreateRole(c *Call) (Params, error) {
	s, name := w.iam(), text(c.In, "RoleName")
	if s.roles[strings.ToLower(name)] != nil {
		return nil, iamConflict("EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	if err := trustChecked(text(c.In, "AssumeRolePolicyDocument")); err != nil {
		return nil, err
	}
	if err := iamTagsChecked(c.In, nil); err != nil {
		return nil, err
	}
	path := orElse(c.In, "Path", "/")
	r := &iamRole{
		in: c.In, name: name, arn: c.globalARN("iam", "role"+path+name), id: keyOf("AROA", name, c.Time.String()),
		trust: text(c.In, "AssumeRolePolicyDocument"), created: c.Time, tags: tagsIn(c.In, "Tags"),
		inline: map[string]string{}, attached: map[string]bool{}, hidden: w.config.Lag,
	}
	s.roles[strings.ToLower(name)] = r
	return Params{"Role": r.view()}, nil
}

// trustChecked refuses a bad trust policy.
func trustChecked(document string) error {
	if wrong := trustFault(document); wrong != "" {
		return fault("MalformedPolicyDocument", "%s", wrong)
	}
	if visible(document) > mostTrustCharacters {
		return iamConflict("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", mostTrustCharacters)
	}
	return nil
}

// visible counts a document's characters. IAM does not count white space.
func visible(document string) int {
	n := 0
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// view is the role as answers show it. Documents are percent-encoded (IAM API
// reference, Role).
func (r *iamRole) view() Params {
	out := pick(r.in, "Description")
	out["Path"], out["RoleName"], out["RoleId"], out["Arn"] = orElse(r.in, "Path", "/"), r.name, r.id, r.arn
	out["CreateDate"] = r.created
	out["AssumeRolePolicyDocument"] = encoded(r.trust)
	out["MaxSessionDuration"] = number(r.in, "MaxSessionDuration", int64(time.Hour/time.Second))
	out["RoleLastUsed"] = Params{}
	if arn := text(r.in, "PermissionsBoundary"); arn != "" {
		out["PermissionsBoundary"] = Params{"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}
	}
	if len(r.tags) > 0 {
		out["Tags"] = r.tags.list()
	}
	return out
}

// encoded is a document as RFC 3986 writes it in a URL.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

func iamGetRole(_ *Call, r *iamRole) (Params, error) { return Params{"Role": r.view()}, nil }

func (w *World) iamUpdateTrust(c *Call, r *iamRole) (Params, error) {
	if err := trustChecked(text(c.In, "PolicyDocument")); err != nil {
		return nil, err
	}
	r.trust, r.hidden = text(c.In, "PolicyDocument"), w.config.Lag
	return Params{}, nil
}

func (w *World) iamDeleteRole(_ *Call, r *iamRole) (Params, error) {
	switch {
	case len(r.attached) > 0:
		return nil, iamConflict("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(r.inline) > 0:
		return nil, iamConflict("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	delete(w.iam().roles, strings.ToLower(r.name))
	return Params{}, nil
}

// iamTagsChecked refuses tags that must not join the old ones.
func iamTagsChecked(in Params, old tagSet) error {
	return tagging{tags: "Tags", invalid: "InvalidInput", many: "LimitExceeded"}.check(in, old)
}

func iamTagRole(c *Call, r *iamRole) (Params, error) {
	if err := iamTagsChecked(c.In, r.tags); err != nil {
		return nil, err
	}
	maps.Copy(r.tags, tagsIn(c.In, "Tags"))
	return Params{}, nil
}

func iamUntagRole(c *Call, r *iamRole) (Params, error) {
	for _, key := range texts(c.In, "TagKeys") {
		delete(r.tags, key)
	}
	return Params{}, nil
}

func iamListTags(c *Call, r *iamRole) (Params, error) { return iamListed(c, "Tags", r.tags.list()) }

// iamListed is one page of a list.
func iamListed[T any](c *Call, member string, all []T) (Params, error) {
	page, next, ok := pageOf(all, text(c.In, "Marker"), int(number(c.In, "MaxItems", iamPage)))
	if !ok {
		return nil, fault("ValidationError", "Invalid Marker.")
	}
	listed := make([]any, 0, len(page))
	for _, e := range page {
		listed = append(listed, e)
	}
	out := Params{member: listed, "IsTruncated": next != ""}
	if next != "" {
		out["Marker"] = next
	}
	return out, nil
}

func iamPutPolicy(c *Call, r *iamRole) (Params, error) {
	name, document := text(c.In, "PolicyName"), text(c.In, "PolicyDocument")
	if wrong := identityFault(document); wrong != "" {
		return nil, fault("MalformedPolicyDocument", "%s", wrong)
	}
	total := visible(document)
	for other, d := range r.inline {
		if other != name {
			total += visible(d)
		}
	}
	if total > mostInlineCharacters {
		return nil, iamConflict("LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", mostInlineCharacters, r.name)
	}
	r.inline[name] = document
	return Params{}, nil
}

func iamGetPolicy(c *Call, r *iamRole) (Params, error) {
	name := text(c.In, "PolicyName")
	document, ok := r.inline[name]
	if !ok {
		return nil, iamMissing("The role policy with name %s cannot be found.", name)
	}
	return Params{"RoleName": r.name, "PolicyName": name, "PolicyDocument": encoded(document)}, nil
}

func iamDeletePolicy(c *Call, r *iamRole) (Params, error) {
	name := text(c.In, "PolicyName")
	if _, ok := r.inline[name]; !ok {
		return nil, iamMissing("The role policy with name %s cannot be found.", name)
	}
	delete(r.inline, name)
	return Params{}, nil
}

func iamListPolicies(c *Call, r *iamRole) (Params, error) {
	return iamListed(c, "PolicyNames", slices.Sorted(maps.Keys(r.inline)))
}

// iamAttach attaches a managed policy. Of AWS's own it believes that they exist;
// there are no others here.
func iamAttach(c *Call, r *iamRole) (Params, error) {
	arn := text(c.In, "PolicyArn")
	if arnPart(arn, 2) != "iam" || arnPart(arn, 4) != "aws" || !strings.HasPrefix(arnPart(arn, 5), "policy/") {
		return nil, iamMissing("Policy %s does not exist or is not attachable.", arn)
	}
	if !r.attached[arn] && len(r.attached) == mostAttached {
		return nil, iamConflict("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d", mostAttached)
	}
	r.attached[arn] = true
	return Params{}, nil
}

func iamDetach(c *Call, r *iamRole) (Params, error) {
	arn := text(c.In, "PolicyArn")
	if !r.attached[arn] {
		return nil, iamMissing("Policy %s was not found.", arn)
	}
	delete(r.attached, arn)
	return Params{}, nil
}

func iamListAttached(c *Call, r *iamRole) (Params, error) {
	var all []Params
	for _, arn := range slices.Sorted(maps.Keys(r.attached)) {
		all = append(all, Params{"PolicyArn": arn, "PolicyName": arn[strings.LastIndex(arn, "/")+1:]})
	}
	return iamListed(c, "AttachedPolicies", all)
}

// roleUsable reports whether SageMaker can assume a role by now. Each call is one
// look: a new role, and a new trust policy, are seen after the configured lag.
func (w *World) roleUsable(arn string) bool { return w.roleUsableBy(arn, "sagemaker.amazonaws.com") }

// roleUsableBy is roleUsable for another service.
func (w *World) roleUsableBy(arn, service string) bool {
	r := w.roleWith(arn)
	if r == nil {
		return false
	}
	if r.hidden > 0 {
		r.hidden--
		return false
	}
	return trusts(r.trust, "Service", func(p string) bool { return p == service || strings.HasPrefix(p, service+".") })
}

// roleWith returns the role of an ARN, or nil.
func (w *World) roleWith(arn string) *iamRole {
	for _, r := range w.iam().roles {
		if r.arn == arn {
			return r
		}
	}
	return nil
}
