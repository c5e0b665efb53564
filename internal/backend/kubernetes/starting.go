package kubernetes

import (
	"net/http"
	"strings"
)

// patient is the way to an API server that may just be starting: until it has read who
// may do what, it answers that nobody may do anything. Such an answer is given as that
// of a server which is not ready, so that the call is repeated. A server that is ready
// by now is asked once more, for it may not have been.
type patient struct{ next http.RoundTripper }

// RoundTrip asks the server whether it is ready where it refuses.
func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := p.next.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusUnauthorized {
		return answer, err
	}
	if p.isReady(r) {
		return p.again(r, answer)
	}
	_ = answer.Body.Close()
	answer.StatusCode, answer.Status = http.StatusServiceUnavailable, "503 Service Unavailable"
	answer.Header = http.Header{"Retry-After": {"1"}} // seconds, after which the client library repeats the call
	answer.Body, answer.ContentLength = http.NoBody, 0
	return answer, nil
}

// again repeats a request that was refused, which therefore did nothing.
func (p patient) again(r *http.Request, refusal *http.Response) (*http.Response, error) {
	repeated := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return refusal, nil
		}
		body, err := r.GetBody()
		if err != nil {
			return refusal, nil //nolint:nilerr // the refusal is the answer
		}
		repeated.Body = body
	}
	_ = refusal.Body.Close()
	return p.next.RoundTrip(repeated)
}

// isReady reports whether the server that a request went to is ready, or does not say.
func (p patient) isReady(r *http.Request) bool {
	at := *r.URL
	base, _, _ := strings.Cut(at.Path, "/api")
	at.Path, at.RawPath, at.RawQuery = base+"/readyz", "", ""
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, at.String(), http.NoBody) //nolint:gosec // to where the request itself went
	if err != nil {
		return true
	}
	answer, err := p.next.RoundTrip(ask)
	if err != nil {
		return true
	}
	_ = answer.Body.Close()
	return answer.StatusCode != http.StatusInternalServerError
}
