package aws

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Accounts are several accounts behind one URL, as AWS is. A request belongs to the
// account whose key signed it; keys that nobody gave out are the first one's. A role
// of any account can be assumed from another that it trusts. Otherwise they do not
// know of each other: a bucket of one is, to another, not there.
type Accounts struct{ servers []*Server }

// NewAccounts puts accounts together. Their numbers must differ.
func NewAccounts(home *Server, others ...*Server) *Accounts {
	return &Accounts{append([]*Server{home}, others...)}
}

// callerKey is where a request that crosses accounts says whose it is.
type callerKey struct{}

// callerOf is the account whose key signed a request that its own account answers.
func callerOf(ctx context.Context, own string) string {
	if account, ok := ctx.Value(callerKey{}).(string); ok {
		return account
	}
	return own
}

// ServeHTTP answers one request.
func (a *Accounts) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	from := a.signer(r)
	to, err := a.addressee(r, from)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	to.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), callerKey{}, from.world.config.Account)))
}

// signer is the account whose key signed a request.
func (a *Accounts) signer(r *http.Request) *Server {
	key := signingKey(r.Header)
	for _, s := range a.servers {
		if s.world.gave(key) {
			return s
		}
	}
	return a.servers[0]
}

// gave reports whether an account gave a temporary key out.
func (w *World) gave(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.iam().sessions[key]
	return ok
}

// addressee is the account that answers: the signer's own, but for a role to assume
// the role's.
func (a *Accounts) addressee(r *http.Request, from *Server) (*Server, error) {
	signed := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil || signed[2] != "sts" {
		return from, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil || !strings.EqualFold(form.Get("Action"), "AssumeRole") {
		return from, nil //nolint:nilerr // what is no form is for the account to refuse
	}
	for _, s := range a.servers {
		if s.world.config.Account == arnPart(form.Get("RoleArn"), 4) {
			return s, nil
		}
	}
	return from, nil
}
