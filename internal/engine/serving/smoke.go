package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	smokeTimeout = 30 * time.Second
	answerShown  = 512 // bytes of an answer in an error
	logShown     = 20  // lines of a log in an error
)

// unproven lists the variants that have not passed the smoke test of a change:
// what is new, or all where the test is new.
func (e *endpoint) unproven(c *rollout) []string {
	t, former := c.plan.spec.SmokeTest, e.inForce.spec.SmokeTest
	if t != nil && (former == nil || *former != *t) {
		return slices.Sorted(maps.Keys(c.fleets))
	}
	return c.fresh
}

// smokeTests sends the smoke test to one server of each of some variants, past
// the gateway.
func (e *endpoint) smokeTests(ctx context.Context, c *rollout, variants []string) error {
	t := c.plan.spec.SmokeTest
	if t == nil {
		return nil
	}
	e.note(ctx, c, "running the smoke test")
	for _, name := range variants {
		f := c.fleets[name]
		if f.size() == 0 { // asleep
			f.scale(1)
			if err := f.await(ctx, 1); err != nil {
				return err
			}
		}
		address, log := f.anyReady()
		if address == "" {
			return f.complain("its model server ended before the smoke test", log)
		}
		if err := e.s.smokeTest(ctx, f.launch, address, t); err != nil {
			return f.complain("the smoke test failed: "+err.Error(), log)
		}
	}
	return nil
}

// smokeTest makes one request of a server and compares the status.
func (s *Service) smokeTest(ctx context.Context, l launch, address string, t *mlops.SmokeTest) error {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout.Or(smokeTimeout))
	defer cancel()
	path, err := l.protocol().Target(http.MethodPost, "", []byte(t.Request), l.endpoint)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path, strings.NewReader(t.Request))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.direct.RoundTrip(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", t.Timeout.Or(smokeTimeout))
	}
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if int64(resp.StatusCode) == t.Status {
		return nil
	}
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, answerShown)) // what is there helps
	return fmt.Errorf("expected status %d, got %d: %s", t.Status, resp.StatusCode, strings.TrimSpace(string(answer)))
}

// complain says what is wrong with a fleet, with the end of a server's log.
func (f *fleet) complain(what, log string) error {
	s := fmt.Sprintf("variant %q: %s", f.launch.variant, what)
	if tail := strings.TrimSpace(process.Tail(log, logShown)); tail != "" {
		s += "; the log ends with:\n" + tail
	}
	return errors.New(s)
}
