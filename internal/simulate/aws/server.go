package aws

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// New makes an empty account.
func New(config Config) *World {
	config.Account = cmp.Or(config.Account, "123456789012")
	config.Region = cmp.Or(config.Region, "us-east-1")
	if config.Now == nil {
		config.Now = time.Now
	}
	return &World{config: config}
}

// Server answers for every service of one account. It holds each request and
// each answer to the models: a request that does not keep to them is refused, as
// the services do, and both are recorded.
type Server struct {
	world    *World
	models   *library
	handlers map[string]map[string]Handler
	faults   faults
	requests atomic.Int64

	mu         sync.Mutex
	violations []string
	calls      map[string]int
	still      chan struct{} // closed when the account moves again; nil while it does
}

// libraries are shared by the servers of a process: models are large.
var libraries sync.Map // of fs.FS to *library

// NewServer makes an HTTP handler of a world. Models holds AWS's published
// service models, as Models finds them.
func NewServer(w *World, models fs.FS) *Server {
	stored, _ := libraries.LoadOrStore(models, &library{files: models, read: map[string]*Model{}})
	shared := stored.(*library) //nolint:forcetypeassert // nothing else is stored
	w.published = shared.model  // definitions of pipelines hold requests
	return &Server{world: w, handlers: w.handlers(), calls: map[string]int{}, models: shared}
}

// Violations lists what requests and answers had that the models do not allow.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Calls counts the requests by "service.Operation" since the last reset.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// ResetCalls begins to count anew.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = map[string]int{}
}

func (s *Server) count(service, operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[service+"."+operation]++
}

func (s *Server) violatedf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// scope is what a signature says of a request: date, region and service.
var scope = regexp.MustCompile(`Credential=[^/]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

// signingNames are the services whose signatures name them in another way than
// the models' folders do.
var signingNames = map[string]string{
	"servicequotas": "service-quotas", "tagging": "resourcegroupstaggingapi",
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !s.moving(r) {
		return
	}
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.requests.Add(1))
	rw.Header().Set("X-Amzn-Requestid", id)
	rw.Header().Set("X-Amz-Request-Id", id)
	signed := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil {
		signed = []string{"", s.world.config.Region, "s3"} // a presigned or anonymous request: only S3 takes those
	}
	region, service := signed[1], cmp.Or(signingNames[signed[2]], signed[2])
	if service == "sagemaker" && strings.HasPrefix(r.URL.Path, "/endpoints/") {
		service = "runtime.sagemaker"
	}
	if service == "s3" {
		s.serveStorage(rw, r)
		return
	}
	s.serve(rw, r, service, region, id)
}

// serve answers a request of a service that has a model.
func (s *Server) serve(rw http.ResponseWriter, r *http.Request, service, region, id string) {
	m, err := s.models.model(service)
	if err != nil {
		s.violatedf("%s: %v", service, err)
		http.Error(rw, err.Error(), http.StatusNotImplemented)
		return
	}
	p, err := protocolOf(m, r)
	if err != nil {
		s.violatedf("%s: %v", service, err)
		http.Error(rw, err.Error(), http.StatusNotImplemented)
		return
	}
	body, err := readBody(r)
	if err != nil {
		p.refuse(fault("SerializationException", "the body cannot be read: %v", err), id, rw)
		return
	}
	operation, in, err := p.decode(m, r, body)
	if err != nil {
		p.refuse(asFault(err), id, rw)
		return
	}
	s.count(service, operation)
	call := &Call{
		Service: service, Operation: operation, Region: region,
		Account: s.world.config.Account, Caller: callerOf(r.Context(), s.world.config.Account),
		In: in, Header: r.Header, Time: s.world.config.Now().UTC(),
	}
	s.answer(r.Context(), rw, call, m, p, id)
}

// readBody reads a request's body, which CloudWatch's clients may compress.
func readBody(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	unpacked, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unpacked)
}

// answer runs the handler between the faults that a test asked for.
func (s *Server) answer(ctx context.Context, rw http.ResponseWriter, call *Call, m *Model, p protocol, id string) {
	rule := s.faults.next(call.Service, call.Operation)
	if rule != nil && rule.before(ctx, rw, p, id) {
		return
	}
	out, err := s.handle(call, m)
	if rule != nil && rule.After {
		rule.after(ctx, rw)
		return
	}
	if err != nil {
		p.refuse(asFault(err), id, rw)
		return
	}
	if err := p.encode(m, call.Operation, out, id, rw); err != nil && !hungUp(err) {
		s.violatedf("%s.%s: the answer cannot be written: %v", call.Service, call.Operation, err)
	}
}

// hungUp tells whether an answer could not be written because its client was gone, as
// that of a killed program is: nothing that breaks a model.
func hungUp(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network
}

// handle checks the request, runs the handler and checks the answer.
func (s *Server) handle(call *Call, m *Model) (Params, error) {
	operation, known := m.Operations[call.Operation]
	handler := s.handlers[call.Service][call.Operation]
	if !known || handler == nil {
		s.violatedf("%s.%s: nothing here answers it", call.Service, call.Operation)
		return nil, &Fault{Code: "UnknownOperationException", Message: "nothing here answers " + call.Service + "." + call.Operation, Status: http.StatusNotFound}
	}
	if operation.Input != nil {
		if found := serious(m.Check(operation.Input.Shape, any(call.In))); len(found) > 0 {
			s.violatedf("%s.%s: request: %s", call.Service, call.Operation, strings.Join(found, "; "))
			return nil, refusal(m, found)
		}
	}
	out, err := s.run(handler, call)
	if err != nil {
		return nil, err
	}
	if operation.Output != nil {
		for _, v := range m.Check(operation.Output.Shape, any(out)) {
			s.violatedf("%s.%s: answer: %s", call.Service, call.Operation, v)
		}
	}
	return out, nil
}

// run calls a handler with the world locked, and copies its answer before others
// may change what that is made of.
func (s *Server) run(handler Handler, call *Call) (Params, error) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	out, err := handler(call)
	if err != nil {
		return nil, err
	}
	copied, _ := plain(any(orEmpty(out))).(map[string]any)
	return copied, nil
}

// serious leaves out what may only be newer than the model.
func serious(all []Violation) []string {
	var out []string
	for _, v := range all {
		if !v.Newer {
			out = append(out, v.String())
		}
	}
	return out
}

// refusal is the error of a request that the model does not allow, in the
// services' words: "1 validation error detected: …".
func refusal(m *Model, found []string) *Fault {
	code := "ValidationException"
	if m.Metadata.Protocol == "query" {
		code = "ValidationError"
	}
	noun := "errors"
	if len(found) == 1 {
		noun = "error"
	}
	return fault(code, "%d validation %s detected: %s", len(found), noun, strings.Join(found, "; "))
}

// asFault is an error as a service gives it; what is none is ours, and internal.
func asFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}

// serveStorage answers for S3, whose operations have no names in a request.
func (s *Server) serveStorage(rw http.ResponseWriter, r *http.Request) {
	s.count("s3", r.Method)
	if rule := s.faults.next("s3", r.Method); rule != nil {
		if rule.before(r.Context(), rw, storageProtocol{}, "") {
			return
		}
		if rule.After {
			s.world.serveS3(discard{http.Header{}}, r)
			rule.after(r.Context(), rw)
			return
		}
	}
	s.world.serveS3(rw, r)
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// reset ends the connection without an answer.
func reset(rw http.ResponseWriter) {
	if h, ok := rw.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// Pause makes the account stand still: requests wait, without being looked at,
// until the function that it returns is called or their clients go away.
func (s *Server) Pause() (resume func()) {
	still := make(chan struct{})
	s.mu.Lock()
	s.still = still
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		s.still = nil
		s.mu.Unlock()
		close(still)
	})
}

// moving waits while the account stands still, and reports whether the client is
// still there.
func (s *Server) moving(r *http.Request) bool {
	s.mu.Lock()
	still := s.still
	s.mu.Unlock()
	if still == nil {
		return true
	}
	select {
	case <-still:
		return true
	case <-r.Context().Done():
		return false
	}
}
