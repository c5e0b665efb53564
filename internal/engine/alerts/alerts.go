package alerts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The channels.
const (
	channelWebhook = "webhook"
	channelMail    = "mail"
)

const (
	attemptLimit = 15 * time.Second
	firstPause   = 2 * time.Second
	longestPause = 10 * time.Minute
	giveUpAfter  = 24 * time.Hour
	atOnce       = 4
	lookEvery    = 15 * time.Second
	smtpName     = "smtp_url" // of what is sealed
)

// Message is what is told. It is the body of a webhook's request.
type Message struct {
	Version  int                  `json:"version"` // of this form: 1
	ID       string               `json:"id"`      // of the alert: two with the same are one that was delivered twice
	Monitor  mlops.ID             `json:"monitor"`
	Endpoint mlops.ID             `json:"endpoint"`
	State    mlops.MonitorState   `json:"state"`
	Since    time.Time            `json:"since"`
	Text     string               `json:"text"` // the same in a few lines, which chats show
	Report   *mlops.MonitorReport `json:"report,omitempty"`
	Emails   []string             `json:"-"`
}

// Service delivers alerts. It is safe for concurrent use.
type Service struct {
	Config

	client *http.Client
	wake   chan struct{}
	stop   context.CancelFunc
	loops  sync.WaitGroup
}

// Config is what a Service needs. Every field is needed.
type Config struct {
	Store *store.Store
	Keys  *secret.Keys
	Log   *slog.Logger
}

// New returns a service that delivers nothing before Start.
func New(c Config) *Service {
	return &Service{Config: c, client: webhookClient(), wake: make(chan struct{}, 1), stop: func() {}}
}

// Start delivers what is due until Close.
func (s *Service) Start(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.loops.Go(func() { s.run(ctx) })
	return nil
}

// Close stops delivering; what is not delivered is when the next engine starts.
func (s *Service) Close(context.Context) error {
	s.stop()
	s.loops.Wait()
	return nil
}

// Enqueue accepts a message in a transaction, for each channel that the monitor
// has. Call Wake when the transaction has ended.
func (s *Service) Enqueue(ctx context.Context, tx *store.Tx, m Message, webhook bool) error {
	m.Version = 1
	now := time.Now()
	put := func(channel string, body any) error {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write an alert: %w", err)
		}
		return tx.PutAlert(ctx, store.Alert{ID: m.ID, Monitor: m.Monitor, Channel: channel, Payload: string(b), Due: now, Created: now})
	}
	if webhook {
		m.ID = rand.Text()
		if err := put(channelWebhook, m); err != nil {
			return err
		}
	}
	if len(m.Emails) == 0 {
		return nil
	}
	m.ID = rand.Text()
	return put(channelMail, mail{To: m.Emails, Subject: fmt.Sprintf("%s: %s", m.Monitor, m.State), Text: m.Text})
}

// Wake has new alerts looked at now.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // awake already
	}
}

// SetMailServer keeps the URL of the mail server, sealed; "" forgets it.
func (s *Service) SetMailServer(ctx context.Context, url string) error {
	if url == "" {
		return nil // silence is not a wish to forget
	}
	if _, err := parseMailServer(url); err != nil {
		return mlops.NewError(mlops.Invalid, err)
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.PutSealed(ctx, smtpName, s.Keys.Seal(smtpName, []byte(url)))
	})
}

// HasMailServer reports whether mails can be sent at all.
func (s *Service) HasMailServer(ctx context.Context) (bool, error) {
	sealed, err := s.Store.Sealed(ctx, smtpName)
	return sealed != "", err
}

// SealWebhook returns a webhook's URL as the store may have it.
func (s *Service) SealWebhook(monitor mlops.ID, url string) string {
	if url == "" {
		return ""
	}
	return s.Keys.Seal(string(monitor), []byte(url))
}

func (s *Service) run(ctx context.Context) {
	for {
		next, err := s.deliverDue(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("deliver alerts", "error", err)
		}
		wait := lookEvery
		if !next.IsZero() {
			wait = max(0, min(wait, time.Until(next)))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// deliverDue tries all that is due, a few at once, and returns when the next one
// is.
func (s *Service) deliverDue(ctx context.Context) (next time.Time, err error) {
	due, next, err := s.Store.DueAlerts(ctx, time.Now(), atOnce)
	if err != nil {
		return next, err
	}
	var wg sync.WaitGroup
	failures := make([]error, len(due))
	for i, a := range due {
		wg.Go(func() { failures[i] = s.deliver(ctx, a) })
	}
	wg.Wait()
	if len(due) == atOnce {
		next = time.Now() // there may be more
	}
	return next, errors.Join(failures...)
}

// deliver tries one alert, and writes how that went.
func (s *Service) deliver(ctx context.Context, a store.Alert) error {
	attempt, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	failure := s.send(attempt, a)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // closing: it stays as it is
	}
	now := time.Now()
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		switch {
		case failure == nil:
			return tx.EndAlert(ctx, a, now, "")
		case now.Sub(a.Created) > giveUpAfter, isFinal(failure):
			s.Log.Error("an alert is given up", "monitor", a.Monitor, "channel", a.Channel, "error", failure)
			return tx.EndAlert(ctx, a, now, failure.Error()+"; given up")
		}
		a.Attempts++
		a.Due = now.Add(pause(a.Attempts))
		if err := tx.NoteFailure(ctx, a.Monitor, failure.Error()); err != nil {
			return err
		}
		return tx.PutAlert(ctx, a)
	})
}

// pause grows with each attempt, and is never the same for all.
func pause(attempts int) time.Duration {
	d := firstPause << min(attempts-1, 16) //nolint:mnd // beyond that it is the longest anyway
	d = min(d, longestPause)
	return d/2 + mathrand.N(d/2) //nolint:mnd,gosec // half of it is jitter, which needs no secrecy
}

// finalError is a failure that trying again does not mend.
type finalError struct{ error }

func isFinal(err error) bool {
	_, final := errors.AsType[finalError](err)
	return final
}

func (s *Service) send(ctx context.Context, a store.Alert) error {
	if a.Channel == channelMail {
		return s.sendMail(ctx, a)
	}
	return s.post(ctx, a)
}
