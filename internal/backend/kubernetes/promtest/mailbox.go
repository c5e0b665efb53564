package promtest

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"slices"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// Letter is a mail that arrived.
type Letter struct {
	From    string
	To      []string
	Subject string
}

// Mailbox is a mail server that keeps what it is sent.
type Mailbox struct {
	Address string // host and port

	mu  sync.Mutex
	all []Letter
}

// NewMailbox is a mail server without letters. It offers no TLS.
func NewMailbox(t testing.TB) *Mailbox {
	t.Helper()
	m := &Mailbox{}
	server := smtp.NewServer(m)
	server.Domain, server.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.Address = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return m
}

// Global is the part of Alertmanager's own configuration that has it send mail there.
func (m *Mailbox) Global(from string) string {
	return fmt.Sprintf("global: {smtp_smarthost: %q, smtp_from: %q, smtp_require_tls: false}\n", m.Address, from)
}

// Letters are those that have come.
func (m *Mailbox) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.all)
}

// Await waits for a letter to somebody that is like it should be.
func (m *Mailbox) Await(t testing.TB, to string, is func(Letter) bool) Letter {
	t.Helper()
	var found Letter
	Eventually(t, "a letter to "+to, func() error {
		for _, l := range m.Letters() {
			if slices.Contains(l.To, to) && is(l) {
				found = l
				return nil
			}
		}
		return fmt.Errorf("there is %+v", m.Letters())
	})
	return found
}

// NewSession begins a talk with a sender.
func (m *Mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &talk{box: m}, nil }

// talk is what a sender says.
type talk struct {
	box    *Mailbox
	letter Letter
}

// Mail says from whom a letter is.
func (s *talk) Mail(from string, _ *smtp.MailOptions) error {
	s.letter.From = from
	return nil
}

// Rcpt says to whom it is.
func (s *talk) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.To = append(s.letter.To, to)
	return nil
}

// Data is the letter.
func (s *talk) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	s.letter.Subject = message.Header.Get("Subject")
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.all = append(s.box.all, s.letter)
	return nil
}

// Reset begins anew.
func (s *talk) Reset() { s.letter = Letter{} }

// Logout ends the talk.
func (s *talk) Logout() error { return nil }
