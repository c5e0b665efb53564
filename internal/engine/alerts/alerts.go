package alerts

import (
	"context"
	"crypto/rand"
	"crypto/x509"
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
	attemptLimit = 15 * time.Second // for one attempt
	firstPause   = 2 * time.Second
	longestPause = 10 * time.Minute
	mostAttempts = 200 // about a day. The clock alone would drop what waited while the engine was down, or the clock jumped.
	atOnce       = 8   // attempts under way
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
	// Retraining is there when that is what is told of: it failed.
	Retraining *mlops.Retraining `json:"retraining,omitempty"`
	Emails     []string          `json:"-"`
}

// Service delivers alerts. It is safe for concurrent use.
type Service struct {
	Config

	client *http.Client
	pause  func(attempts int) time.Duration
	limit  time.Duration  // for one attempt
	roots  *x509.CertPool // that mail servers are verified with; nil is the system's
	wake   chan struct{}
	stop   context.CancelFunc
	loops  sync.WaitGroup

	mu    sync.Mutex
	busy  map[string]bool // alerts of which an attempt is under way, by id
	ended []string        // those of them whose attempt has ended
}

// Config is what a Service needs. Every field is needed.
type Config struct {
	Store *store.Store
	Keys  *secret.Keys
	Log   *slog.Logger
}

// New returns a service that delivers nothing before Start.
func New(c Config) *Service {
	return &Service{
		Config: c, client: webhookClient(), pause: pause, limit: attemptLimit,
		wake: make(chan struct{}, 1), stop: func() {}, busy: map[string]bool{},
	}
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
	return put(channelMail, mail{To: m.Emails, Subject: m.subject(), Text: m.Text})
}

func (m Message) subject() string {
	if m.Retraining != nil {
		return fmt.Sprintf("%s: retraining %s", m.Monitor, m.Retraining.State)
	}
	return fmt.Sprintf("%s: %s", m.Monitor, m.State)
}

// Wake has new alerts looked at now.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // awake already
	}
}

// SetMailServer keeps the URL of the mail server, sealed; "" leaves the one that
// is known.
func (s *Service) SetMailServer(ctx context.Context, url string) error {
	if url == "" {
		return nil
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
		wait, err := s.begin(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("look for alerts", "error", err)
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

// begin starts an attempt of each alert that is due, as many as may be under way,
// and returns when to look again. The end of an attempt wakes the loop, too.
func (s *Service) begin(ctx context.Context) (wait time.Duration, err error) {
	const heads = 2 * atOnce // some of them are busy
	s.release()
	due, next, err := s.Store.DueAlerts(ctx, time.Now(), longestPause, heads)
	if err != nil {
		return lookEvery, err
	}
	for _, a := range due {
		if s.reserve(a.ID) {
			s.loops.Go(func() { s.attempt(ctx, a) })
		}
	}
	if next.IsZero() {
		return lookEvery, nil
	}
	return max(0, min(lookEvery, time.Until(next))), nil
}

// release counts out the attempts that have ended. Only the loop does, and before
// it looks: what it saw before an attempt ended would be sent again.
func (s *Service) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.ended {
		delete(s.busy, id)
	}
	s.ended = nil
}

// reserve reports whether an attempt may begin, and counts it in.
func (s *Service) reserve(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[id] || len(s.busy) == atOnce {
		return false
	}
	s.busy[id] = true
	return true
}

// attempt delivers one alert, or puts it off.
func (s *Service) attempt(ctx context.Context, a store.Alert) {
	err := s.deliver(ctx, a)
	s.mu.Lock()
	s.ended = append(s.ended, a.ID)
	s.mu.Unlock()
	if err != nil { // no wake: what could not be noted would be sent again at once
		s.Log.Error("note how an alert went", "monitor", a.Monitor, "error", err)
		return
	}
	s.Wake()
}

// deliver tries one alert, and writes how that went.
func (s *Service) deliver(ctx context.Context, a store.Alert) error {
	attempt, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	failure := s.send(attempt, a)
	if failure != nil && ctx.Err() != nil {
		return nil // closing: it stays as it is
	}
	ctx = context.WithoutCancel(ctx) // what was sent is noted even when closing
	now := time.Now()
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		a.Attempts++
		switch {
		case failure == nil:
			return tx.EndAlert(ctx, a, now, "")
		case a.Attempts >= mostAttempts, isFinal(failure):
			s.Log.Error("an alert is given up", "monitor", a.Monitor, "channel", a.Channel, "attempts", a.Attempts, "error", failure)
			return tx.EndAlert(ctx, a, now, failure.Error()+"; given up")
		}
		a.Due = now.Add(s.pause(a.Attempts))
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
