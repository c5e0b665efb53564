package aws

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Rule makes requests fail. What it does not name it matches.
type Rule struct {
	Service   string // as the models' folders name it; "s3" for storage
	Operation string // for storage the HTTP method
	Skip      int    // so many matching requests pass first
	Times     int    // so many fail; 1 if zero, all if negative

	// What happens, the first that is set: the fault is answered, the connection
	// is ended before the request is looked at, or after it was carried out.
	Fault  *Fault
	Before bool
	After  bool
	// Slow waits first, until the client goes away at the latest.
	Slow time.Duration
	// Hold leaves the request without an answer until it is closed, or the client
	// goes away: before it is looked at, or with After when it was carried out.
	Hold <-chan struct{}
}

// Throttled is a fault that clients retry.
func Throttled() *Fault {
	return &Fault{Code: "ThrottlingException", Message: "Rate exceeded", Status: http.StatusBadRequest}
}

// Broken is a passing fault of a service.
func Broken() *Fault {
	return &Fault{Code: "ServiceUnavailable", Message: "The service is temporarily unavailable", Status: http.StatusServiceUnavailable}
}

// faults are the rules in force.
type faults struct {
	mu    sync.Mutex
	rules []*Rule
}

// Inject puts a rule in force until it is used up. The first that matches counts.
func (s *Server) Inject(rule Rule) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if rule.Times == 0 {
		rule.Times = 1
	}
	s.faults.rules = append(s.faults.rules, &rule)
}

// Heal takes all rules back, and returns how many were not used up.
func (s *Server) Heal() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	left := len(s.faults.rules)
	s.faults.rules = nil
	return left
}

// next is the rule for a request, or nil.
func (f *faults) next(service, operation string) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if r.Service != "" && r.Service != service || r.Operation != "" && r.Operation != operation {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		hit := *r
		if r.Times--; r.Times == 0 {
			f.rules = slices.Delete(f.rules, i, i+1)
		}
		return &hit
	}
	return nil
}

// before does what happens before a request is looked at, and reports whether it
// was the end of it.
func (r *Rule) before(ctx context.Context, rw http.ResponseWriter, p interface {
	refuse(f *Fault, request string, rw http.ResponseWriter)
}, id string,
) bool {
	r.delay(ctx)
	if !r.After {
		r.holds(ctx)
	}
	switch {
	case r.Fault != nil:
		p.refuse(r.Fault, id, rw)
		return true
	case r.Before, ctx.Err() != nil: // whoever asked is gone, and nothing was done
		reset(rw)
		return true
	}
	return false
}

// delay waits as long as the rule says.
func (r *Rule) delay(ctx context.Context) {
	if r.Slow <= 0 {
		return
	}
	over := time.NewTimer(r.Slow)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}

// holds waits until the rule lets go.
func (r *Rule) holds(ctx context.Context) {
	if r.Hold == nil {
		return
	}
	select {
	case <-r.Hold:
	case <-ctx.Done():
	}
}

// after takes the answer of a request that was carried out away.
func (r *Rule) after(ctx context.Context, rw http.ResponseWriter) {
	r.holds(ctx)
	reset(rw)
}

// storageProtocol writes errors as S3 does.
type storageProtocol struct{}

func (storageProtocol) refuse(f *Fault, id string, rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/xml")
	rw.WriteHeader(f.status())
	_, _ = fmt.Fprintf(rw, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>`, f.Code)
	_ = xml.EscapeText(rw, []byte(f.Message))
	_, _ = fmt.Fprintf(rw, `</Message><RequestId>%s</RequestId></Error>`, id)
}
