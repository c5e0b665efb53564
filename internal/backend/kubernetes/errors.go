package kubernetes

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Code sorts an error: our own, or an API server's by the reason in its status.
// What an admission refuses comes under several reasons, which only its words tell
// from a lack of rights.
func (b *backend) Code(err error) mlops.Code {
	if code := mlops.CodeOf(err); code != mlops.Unknown {
		return code
	}
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		return codeOfTransport(err)
	}
	words := status.Status().Message
	for _, r := range admissionWords() {
		if strings.Contains(words, r.words) {
			return r.means
		}
	}
	if code, ok := codeOfReason()[status.Status().Reason]; ok {
		return code
	}
	return codeOfStatus(int(status.Status().Code))
}

// admissionRule sorts a refusal by words in its message.
type admissionRule struct {
	words string
	means mlops.Code
}

// admissionWords lists the rules; the first that fits counts. The words are those of
// the API server's own admission plugins, in k8s.io/apiserver and k8s.io/kubernetes.
func admissionWords() []admissionRule {
	return []admissionRule{
		{"exceeded quota", mlops.QuotaExceeded},
		{"failed quota", mlops.Invalid}, // what the quota counts was not given
		{"because it is being terminated", mlops.Conflict},
		{"violates PodSecurity", mlops.Invalid},
		{"denied the request", mlops.Invalid}, // by a webhook
		{"denied request", mlops.Invalid},     // by a ValidatingAdmissionPolicy
		{"failed calling webhook", mlops.Unavailable},
		{"failed to create typed patch object", mlops.Invalid}, // an apply of what the schema does not have, which comes as a fault of the server
	}
}

func codeOfReason() map[metav1.StatusReason]mlops.Code {
	return map[metav1.StatusReason]mlops.Code{
		metav1.StatusReasonNotFound:              mlops.NotFound,
		metav1.StatusReasonAlreadyExists:         mlops.AlreadyExists,
		metav1.StatusReasonConflict:              mlops.Conflict,
		metav1.StatusReasonInvalid:               mlops.Invalid,
		metav1.StatusReasonBadRequest:            mlops.Invalid,
		metav1.StatusReasonMethodNotAllowed:      mlops.Invalid,
		metav1.StatusReasonRequestEntityTooLarge: mlops.Invalid,
		metav1.StatusReasonUnauthorized:          mlops.Unauthenticated,
		metav1.StatusReasonForbidden:             mlops.PermissionDenied,
		metav1.StatusReasonTooManyRequests:       mlops.Unavailable,
		metav1.StatusReasonServerTimeout:         mlops.Unavailable,
		metav1.StatusReasonTimeout:               mlops.Unavailable,
		metav1.StatusReasonServiceUnavailable:    mlops.Unavailable,
		metav1.StatusReasonInternalError:         mlops.Unavailable,
		metav1.StatusReasonExpired:               mlops.Unavailable,
	}
}

// codeOfStatus sorts an answer that gives no reason: a proxy's, or a server's that
// failed.
func codeOfStatus(status int) mlops.Code {
	switch {
	case status >= 500:
		return mlops.Unavailable
	case status >= 400:
		return mlops.Invalid
	}
	return mlops.Unknown
}

// codeOfTransport sorts what never got an answer.
func codeOfTransport(err error) mlops.Code {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return mlops.Unauthenticated
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return mlops.Unauthenticated
	}
	if errors.Is(err, context.Canceled) {
		return mlops.Unknown
	}
	if strings.Contains(err.Error(), "getting credentials") { // of an exec plugin
		return mlops.Unauthenticated
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return mlops.Unavailable
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return mlops.Unavailable
	}
	return mlops.Unknown
}

// is reports whether an error has a code.
func (b *backend) is(err error, code mlops.Code) bool { return err != nil && b.Code(err) == code }

// invalid refuses what can never succeed.
func invalid(err error) error { return mlops.NewError(mlops.Invalid, err) }

// refuseSetting refuses a setting of the provider or of an environment.
func refuseSetting(setting, format string, args ...any) error {
	return mlops.InvalidField(name+"."+setting, format, args...)
}

// origins says which attribute a field of a native object comes from: the path of
// the field without a leading dot, or of what it lies in, and the attribute's path in
// HCL.
type origins map[string]string

// of is the attribute that a field comes from, or "".
func (o origins) of(field string) string {
	field = strings.TrimPrefix(field, ".")
	best, attribute := -1, ""
	for native, a := range o {
		if len(native) > best && strings.HasPrefix(field, native) {
			best, attribute = len(native), a
		}
	}
	return attribute
}

// explain is an API server's refusal of an object, with the attribute that it is
// about where the refused field comes from one, and with who else owns a field.
// Other errors are returned as they are.
func (b *backend) explain(err error, of identity, from origins) error {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		return err
	}
	explained := &mlops.Error{Code: b.Code(err), Err: fmt.Errorf("%s: %w", of.words(), err)}
	if details := status.Status().Details; details != nil {
		for _, cause := range details.Causes {
			if explained.Field = from.of(cause.Field); explained.Field != "" {
				break
			}
		}
		if owned := ownedByOthers(details.Causes); owned != "" {
			explained.Err = fmt.Errorf("%s has fields that another field manager owns: %s. To leave them as they are, let the configuration say the same; to take them back, apply with force_conflicts = true in the provider's kubernetes block", of.words(), owned)
		}
	}
	return explained
}

// ownedByOthers lists the fields that others own, with their managers: "spec.hard.pods
// (kubectl)".
func ownedByOthers(causes []metav1.StatusCause) string {
	var out []string
	for _, cause := range causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		out = append(out, fmt.Sprintf("%s (%s)", strings.TrimPrefix(cause.Field, "."), managerIn(cause.Message)))
	}
	return strings.Join(out, ", ")
}

// isOwnConflict reports whether all fields that an apply conflicts about are the
// provider's own: of a claim, which the API server takes for another hand.
func isOwnConflict(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.Status().Reason != metav1.StatusReasonConflict || status.Status().Details == nil {
		return false
	}
	for _, cause := range status.Status().Details.Causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict || managerIn(cause.Message) != agent {
			return false
		}
	}
	return len(status.Status().Details.Causes) > 0
}

// managerIn is the manager in a message such as: conflict with "kubectl" using v1.
func managerIn(message string) string {
	if _, rest, ok := strings.Cut(message, `"`); ok {
		manager, _, _ := strings.Cut(rest, `"`)
		return manager
	}
	return message
}

// isNotFound reports whether an API server says that there is no such thing.
func isNotFound(err error) bool { return apierrors.IsNotFound(err) }

// pathOf reads the path of an attribute that lies in no list and no map:
// "kubernetes.quota".
func pathOf(field string) mlops.Path {
	var at mlops.Path
	for part := range strings.SplitSeq(field, ".") {
		at = at.With(part)
	}
	return at
}
