package mlops

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Code is what went wrong, in one of twelve words that every backend's errors
// are sorted into.
type Code string

// The codes. Only Unavailable is ever retried.
const (
	NotFound         Code = "not found"         // the object does not exist
	AlreadyExists    Code = "already exists"    // the name is taken by somebody else
	Conflict         Code = "conflict"          // the object is in use, or changed underneath
	Invalid          Code = "invalid"           // the request can never succeed as it is
	Unauthenticated  Code = "unauthenticated"   // no credentials, or expired ones
	PermissionDenied Code = "permission denied" // the credentials lack a right
	QuotaExceeded    Code = "quota exceeded"    // a limit of the account or the machine, a full disk
	Unavailable      Code = "unavailable"       // throttled, or a passing fault
	Unsupported      Code = "unsupported"       // the platform has no such thing
	Failed           Code = "failed"            // the platform gave up or rolled back
	Timeout          Code = "timeout"           // the time allowed ran out
	Unknown          Code = "unknown"           // none of the others
)

// Codes lists every code.
func Codes() []Code {
	return []Code{
		NotFound, AlreadyExists, Conflict, Invalid, Unauthenticated, PermissionDenied,
		QuotaExceeded, Unavailable, Unsupported, Failed, Timeout, Unknown,
	}
}

// Error is the one error type that crosses the contract's upper edge. Backends
// return their platform's raw error; the lifecycle wraps it here exactly once.
type Error struct {
	Code     Code
	Op       string // what was being done: "create", "read", …
	Resource Noun   // to what kind of thing
	Name     ID     // to which one
	Backend  string
	Field    string // path of the attribute at fault, as HCL writes it, if known
	Request  string // the platform's request id, if it gave one
	Err      error  // the platform's own words
}

// Error writes one line: operation, object, code, cause.
func (e *Error) Error() string {
	var b strings.Builder
	for _, part := range []string{e.Op, string(e.Resource), string(e.Name)} {
		if part != "" {
			b.WriteString(part)
			b.WriteByte(' ')
		}
	}
	s := strings.TrimSpace(b.String())
	if s != "" {
		s += ": "
	}
	s += string(e.Code)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the platform's own error.
func (e *Error) Unwrap() error { return e.Err }

// Message returns an error's own words, without the code that an *Error puts
// before them: for a sentence that goes on.
func Message(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && error(e) == err && e.Err != nil { //nolint:errorlint // an error around e has words of its own
		return e.Err.Error()
	}
	return err.Error()
}

// CodeOf returns the code of an error that may wrap an *Error. Context errors
// are Timeout; anything else that is not an *Error is Unknown; nil is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	return Unknown
}

// NewError returns an Error with a code and a cause, for platforms that have no
// error type of their own.
func NewError(code Code, err error) *Error { return &Error{Code: code, Err: err} }

// InvalidField returns the Invalid error of an attribute, given by its path as HCL
// writes it, in words that format makes as fmt.Errorf does.
func InvalidField(field, format string, args ...any) error {
	return &Error{Code: Invalid, Field: field, Err: fmt.Errorf(format, args...)}
}
