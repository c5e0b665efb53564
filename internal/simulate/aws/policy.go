package aws

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// policyDocument is a policy in JSON, as far as the services check it.
type policyDocument struct {
	Version   string                     `json:"Version"`
	ID        string                     `json:"Id"`
	Statement oneOrMany[policyStatement] `json:"Statement"`
}

type policyStatement struct {
	Sid          string                    `json:"Sid"`
	Effect       string                    `json:"Effect"`
	Principal    any                       `json:"Principal"`
	NotPrincipal any                       `json:"NotPrincipal"`
	Action       any                       `json:"Action"`
	NotAction    any                       `json:"NotAction"`
	Resource     any                       `json:"Resource"`
	NotResource  any                       `json:"NotResource"`
	Condition    map[string]map[string]any `json:"Condition"`
}

// oneOrMany is a list that may be written as its only element.
type oneOrMany[T any] []T

// UnmarshalJSON reads a list, or one element.
func (l *oneOrMany[T]) UnmarshalJSON(data []byte) error {
	var many []T
	if err := json.Unmarshal(data, &many); err == nil {
		*l = many
		return nil
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*l = []T{one}
	return nil
}

var policySid = regexp.MustCompile(`^[A-Za-z0-9]*$`)

// parsePolicy reads a policy, and says in IAM's words what is wrong with it. The
// rules are those of the IAM user guide, "Grammar of the IAM JSON policy language";
// the words are those that users report.
func parsePolicy(source string) (policyDocument, string) {
	var doc policyDocument
	var top map[string]any
	if json.Unmarshal([]byte(source), &top) != nil {
		return doc, "This policy contains invalid Json"
	}
	for member := range top {
		if !slices.Contains([]string{"Version", "Id", "Statement"}, member) {
			return doc, "Syntax errors in policy."
		}
	}
	if json.Unmarshal([]byte(source), &doc) != nil || len(doc.Statement) == 0 {
		return doc, "Syntax errors in policy."
	}
	if doc.Version != "2012-10-17" && doc.Version != "2008-10-17" {
		return doc, "The policy must contain a valid version string"
	}
	return doc, statementsFault(doc.Statement)
}

// statementsFault says what is wrong with statements of any policy.
func statementsFault(all []policyStatement) string {
	seen := map[string]bool{}
	for _, s := range all {
		switch {
		case s.fault() != "":
			return s.fault()
		case s.Sid != "" && seen[s.Sid]:
			return "Statement IDs (SID) in a single policy must be unique."
		}
		seen[s.Sid] = true
		for _, action := range append(words(s.Action), words(s.NotAction)...) {
			if vendor, _, ok := strings.Cut(action, ":"); action != "*" && (!ok || vendor == "") {
				return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
			}
		}
	}
	return ""
}

// fault says what is wrong with a statement on its own.
func (s policyStatement) fault() string {
	switch {
	case s.Effect == "":
		return "Missing required field Effect"
	case s.Effect != "Allow" && s.Effect != "Deny":
		return "Syntax errors in policy."
	case s.Action == nil && s.NotAction == nil:
		return "Policy statement must contain actions."
	case s.Action != nil && s.NotAction != nil, s.Resource != nil && s.NotResource != nil:
		return "Syntax errors in policy."
	}
	return ""
}

// identityFault says what is wrong with a policy of a role.
func identityFault(source string) string {
	doc, wrong := parsePolicy(source)
	if wrong != "" {
		return wrong
	}
	for _, s := range doc.Statement {
		if s.Principal != nil || s.NotPrincipal != nil {
			return "Policy document should not specify a principal."
		}
		if !policySid.MatchString(s.Sid) {
			return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
		}
		resources := append(words(s.Resource), words(s.NotResource)...)
		if len(resources) == 0 {
			return "Policy statement must contain resources."
		}
		for _, r := range resources {
			if r != "*" && !strings.HasPrefix(r, "arn:") {
				return "Resource " + r + " must be in ARN format or \"*\"."
			}
		}
	}
	return ""
}

// trustFault says what is wrong with a policy that says who may assume a role.
func trustFault(source string) string {
	doc, wrong := parsePolicy(source)
	if wrong != "" {
		return wrong
	}
	for _, s := range doc.Statement {
		if s.Resource != nil || s.NotResource != nil {
			return "Has prohibited field Resource"
		}
		if s.Principal == nil && s.NotPrincipal == nil {
			return "Missing required field Principal"
		}
		for _, action := range words(s.Action) {
			if !strings.HasPrefix(action, "sts:") {
				return "AssumeRole policy may only specify STS AssumeRole actions."
			}
		}
	}
	return ""
}

// trusts reports whether a trust policy lets a principal of a type ("Service",
// "AWS") assume the role. Conditions are not weighed.
func trusts(source, kind string, match func(principal string) bool) bool {
	doc, wrong := parsePolicy(source)
	if wrong != "" {
		return false
	}
	allowed := false
	for _, s := range doc.Statement {
		named, ok := s.Principal.(map[string]any)
		fits := s.Principal == "*"
		if ok {
			fits = slices.ContainsFunc(words(named[kind]), match)
		}
		if !fits || !slices.ContainsFunc(words(s.Action), assumes) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func assumes(action string) bool { return action == "sts:AssumeRole" || action == "sts:*" }

// words returns what is written as one text or as a list of texts.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
