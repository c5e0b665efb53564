package aws

import (
	"net/http"
	"strings"
	"time"
)

func (w *World) stsHandlers() map[string]Handler {
	return map[string]Handler{"GetCallerIdentity": w.stsCaller, "AssumeRole": w.stsAssume}
}

// caller is who signed a request: the session whose key it is, or the account's
// only user.
func (w *World) caller(c *Call) (arn, id string) {
	if c.Caller != "" && c.Caller != c.Account {
		return "arn:" + partitionOf(c.Region) + ":iam::" + c.Caller + ":user/simulated", keyOf("AIDA", c.Caller)
	}
	key := signingKey(c.Header)
	if s, ok := w.iam().sessions[key]; ok {
		return s.arn, s.id
	}
	return c.globalARN("iam", "user/simulated"), keyOf("AIDA", c.Account)
}

// signingKey is the access key of a signed request, or "".
func signingKey(h http.Header) string {
	_, after, _ := strings.Cut(h.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(after, "/")
	return key
}

func (w *World) stsCaller(c *Call) (Params, error) {
	arn, id := w.caller(c)
	return Params{"Account": c.Account, "Arn": arn, "UserId": id}, nil
}

// stsAssume gives out a session of a role that trusts the caller's account. The keys are
// made of the request; nothing checks signatures.
func (w *World) stsAssume(c *Call) (Params, error) {
	arn, name := text(c.In, "RoleArn"), text(c.In, "RoleSessionName")
	r := w.roleWith(arn)
	if r == nil || !trusts(r.trust, "AWS", func(p string) bool { return p == "*" || p == c.Caller || arnPart(p, 4) == c.Caller }) {
		who, _ := w.caller(c)
		return nil, &Fault{
			Code: "AccessDenied", Status: http.StatusForbidden,
			Message: "User: " + who + " is not authorized to perform: sts:AssumeRole on resource: " + arn,
		}
	}
	seconds := number(c.In, "DurationSeconds", int64(time.Hour/time.Second))
	if seconds > number(r.in, "MaxSessionDuration", int64(time.Hour/time.Second)) {
		return nil, fault("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	s := iamSession{arn: c.globalARN("sts", "assumed-role/"+r.name+"/"+name), id: r.id + ":" + name}
	key := keyOf("ASIA", s.arn, c.Time.String())[:20]
	w.iam().keep(key, s)
	return Params{
		"Credentials": Params{
			"AccessKeyId": key, "SecretAccessKey": uuidOf("secret", key), "SessionToken": uuidOf("token", key),
			"Expiration": c.Time.Add(time.Duration(seconds) * time.Second),
		},
		"AssumedRoleUser": Params{"AssumedRoleId": s.id, "Arn": s.arn},
	}, nil
}
