package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultSmokeTimeout is how long a smoke test waits for its answer.
const defaultSmokeTimeout = 30 * time.Second

// Probe sends the smoke test to a variant once more; see mlops.Prober.
func (k modelEndpointKind) Probe(ctx context.Context, ref mlops.ID, variant string) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	e, err := k.look(ctx, s)
	if err != nil {
		return err
	}
	form := e.facts.force()
	if form == nil {
		form = &e.facts.Asked
	}
	server, ok := form.Servers[variant]
	if !ok {
		return mlops.NewError(mlops.NotFound, fmt.Errorf("%q has no variant %q", ref, variant))
	}
	if form.Spec.SmokeTest == nil {
		return nil
	}
	words, err := k.smokeTest(ctx, s, e.gateway, form.Spec.SmokeTest, server, form.Predict)
	if err == nil && words != "" {
		return mlops.NewError(mlops.Failed, errors.New(words))
	}
	return err
}

// smokeTests sends the smoke test to every server that is asked for. It returns what
// was wrong with an answer, or "".
func (k modelEndpointKind) smokeTests(ctx context.Context, s scene, e endpointState) (string, error) {
	test := e.spec().SmokeTest
	if test == nil {
		return "", nil
	}
	for _, variant := range slices.Sorted(maps.Keys(e.facts.Asked.Servers)) {
		words, err := k.smokeTest(ctx, s, e.gateway, test, e.facts.Asked.Servers[variant], e.facts.Asked.Predict)
		if err != nil || words != "" {
			return fmt.Sprintf("the smoke test of variant %q %s", variant, words), err
		}
	}
	return "", nil
}

// smokeTest sends one request to one server: through the gateway, or where that cannot
// be reached from here, through the API server.
func (k modelEndpointKind) smokeTest(ctx context.Context, s scene, g gatewaySeen, test *mlops.SmokeTest, server, predict string) (string, error) {
	timeout := test.Timeout.Or(defaultSmokeTimeout)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	status, body, err := g.post(limited, s.layout, s.id.Name(), server, test.Request)
	if err != nil && unreachable(err) {
		status, body, err = s.postByServer(limited, server, predict, test.Request)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil && limited.Err() != nil:
		return fmt.Sprintf("had no answer within %s", timeout), nil
	case err != nil:
		return "", mlops.NewError(mlops.Unavailable, fmt.Errorf("the smoke test could not be sent: %w", err))
	case int64(status) == test.Status:
		return "", nil
	}
	return fmt.Sprintf("expected status %d and got %d: %s", test.Status, status, body), nil
}

// longestAnswer is how much of an answer is shown.
const longestAnswer = 120

// post sends a request to one server through the gateway, at its address whatever the
// host's is by name.
func (g gatewaySeen) post(ctx context.Context, l layout, endpoint, server, body string) (status int, answer string, err error) {
	target := g.url(l, endpoint)
	if target == "" {
		return 0, "", &net.DNSError{Err: "the gateway has no address", Name: g.ref.Name}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(headerServer, server)
	transport := &http.Transport{DisableKeepAlives: true}
	if g.address != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(g.address, strconv.Itoa(g.port)))
		}
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	head, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	return response.StatusCode, string(head), err
}

// unreachable reports whether a request never left.
func unreachable(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// postByServer sends a request to one server by way of the API server.
func (s scene) postByServer(ctx context.Context, server, predict, body string) (status int, answer string, err error) {
	path := "/api/v1/namespaces/" + url.PathEscape(s.namespace) + "/services/http:" + url.PathEscape(predictor(server)) + ":" + strconv.Itoa(servicePort) + "/proxy" + predict
	result := s.cluster.calls.Post().AbsPath(path).SetHeader("Content-Type", "application/json").Body([]byte(body)).Do(ctx)
	result.StatusCode(&status)
	raw, err := result.Raw()
	if status == 0 || status == http.StatusServiceUnavailable || status == http.StatusForbidden {
		return status, "", inItsWords(err, raw)
	}
	return status, string(raw[:min(len(raw), longestAnswer)]), nil
}

// inItsWords adds to an error what the API server says of it, which client-go keeps from
// its callers.
func inItsWords(err error, body []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	if err == nil || json.Unmarshal(body, &said) != nil || said.Message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, said.Message)
}
