package alerts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
)

// webhookClient follows no redirect: a URL that was given in confidence is not
// handed on.
func webhookClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post delivers an alert to its monitor's webhook. Only a status of 2xx is
// success.
func (s *Service) post(ctx context.Context, a store.Alert) error {
	alerting, err := s.Store.Alerting(ctx, a.Monitor)
	if err != nil {
		return err
	}
	if alerting.Webhook == "" {
		return finalError{errors.New("the monitor has no webhook any more")}
	}
	address, err := s.Keys.Unseal(string(a.Monitor), alerting.Webhook)
	if err != nil {
		return finalError{err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(address), strings.NewReader(a.Payload))
	if err != nil {
		return finalError{errors.New("the webhook's URL cannot be used")} // which the error would tell
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "terraform-provider-mlops")
	response, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("the webhook at %s: %w", request.URL.Host, discreet(err))
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) //nolint:mnd // enough to use the connection again
	if response.StatusCode/100 != 2 {
		// In the words of the protocol: the receiver's own may repeat the URL.
		return fmt.Errorf("the webhook at %s answered %d %s", request.URL.Host, response.StatusCode, http.StatusText(response.StatusCode))
	}
	return nil
}

// discreet is an error without the URL that http puts before it.
func discreet(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
