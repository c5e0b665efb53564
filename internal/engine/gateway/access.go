package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// authorized reports whether the request bears the endpoint's token, and answers
// it with 401 if not.
func (x *exchange) authorized(r *Route) bool {
	if bears(x.in.Header.Get("Authorization"), r.Token) {
		return true
	}
	x.w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer realm=%q", r.Environment+"/"+r.Endpoint))
	writeProblem(x.w, http.StatusUnauthorized, "this endpoint answers bearers of its token only: send it as Authorization: Bearer <token>")
	return false
}

// awake reports whether the endpoint serves at this time, and answers the
// request with 503 if not. Such requests do not count among the endpoint's.
func (x *exchange) awake(r *Route) bool {
	if r.Asleep.IsZero() {
		return true
	}
	left := max(1, math.Ceil(time.Until(r.Asleep).Seconds()))
	x.w.Header().Set("Retry-After", strconv.FormatFloat(left, 'f', 0, 64))
	writeProblem(x.w, http.StatusServiceUnavailable, "the endpoint is down by its schedule; it is up again at "+r.Asleep.Format(time.RFC3339))
	return false
}

// bears reports whether an Authorization header has a token. How long that takes
// tells nothing about the token. No token is borne by every header.
func bears(header, token string) bool {
	if token == "" {
		return true
	}
	scheme, given, _ := strings.Cut(header, " ")
	a, b := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
