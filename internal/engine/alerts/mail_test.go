package alerts

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// letter is a mail that arrived.
type letter struct {
	User, From string
	To         []string
	Subject    string
	Text       string
	ID         string
}

// postOffice is a mail server, which keeps what it got.
type postOffice struct {
	address string
	roots   *x509.CertPool

	mu      sync.Mutex
	letters []letter
	logins  []string // user and password, of each try
	trouble error    // told to senders while it lasts
}

// openPostOffice starts a mail server; a secure one offers STARTTLS.
func openPostOffice(t *testing.T, secure bool) *postOffice {
	t.Helper()
	p := &postOffice{}
	server := smtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth, server.ErrorLog = "localhost", true, log.New(io.Discard, "", 0)
	if secure {
		known := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate is for 127.0.0.1
		known.Close()
		server.TLSConfig = &tls.Config{Certificates: known.TLS.Certificates, MinVersion: tls.VersionTLS12}
		p.roots = x509.NewCertPool()
		p.roots.AddCert(known.Certificate())
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
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
	return p
}

// NewSession begins a talk with a sender.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &talk{office: p}, nil }

func (p *postOffice) say(trouble error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = trouble
}

func (p *postOffice) got() (letters []letter, logins []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.letters), slices.Clone(p.logins)
}

type talk struct {
	office *postOffice
	letter letter
}

func (s *talk) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *talk) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.office.mu.Lock()
		defer s.office.mu.Unlock()
		s.office.logins = append(s.office.logins, user+":"+password)
		if password != "p@ss/word" {
			return smtp.ErrAuthFailed
		}
		s.letter.User = user
		return nil
	}), nil
}

func (s *talk) Mail(from string, _ *smtp.MailOptions) error {
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.letter.From = from
	return s.office.trouble
}

func (s *talk) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.To = append(s.letter.To, to)
	return nil
}

func (s *talk) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	s.letter.Subject, s.letter.ID, s.letter.Text = m.Header.Get("Subject"), m.Header.Get("Message-Id"), strings.TrimSpace(string(body))
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.letters = append(s.office.letters, s.letter)
	return nil
}

func (*talk) Reset()        {}
func (*talk) Logout() error { return nil }

// withMail opens a service that knows a mail server.
func withMail(t *testing.T, p *postOffice, url string) *bench {
	t.Helper()
	b := newBench(t, t.TempDir())
	b.roots = p.roots
	if err := b.SetMailServer(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	b.watch(t, monitor, "")
	return b.start(t)
}

func TestMailIsSent(t *testing.T) {
	t.Parallel()
	plain, secure := openPostOffice(t, false), openPostOffice(t, true)
	tests := []struct {
		name string
		at   *postOffice
		url  string
		user string
	}{
		{"without a password, in clear", plain, "smtp://" + plain.address + "?from=mlops@example.com", ""},
		{"with a password, by STARTTLS", secure, "smtp://robot:p%40ss%2Fword@" + secure.address + "/?from=mlops@example.com", "robot"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := withMail(t, tt.at, tt.url)
			b.tell(t, monitor, mlops.MonitorViolated, "one@example.com", "two@example.com")
			if a := b.settled(t, monitor); a.LastSent.IsZero() || a.LastFail != "" {
				t.Fatalf("after sending: %+v", a)
			}
			letters, _ := tt.at.got()
			if len(letters) != 1 || letters[0].ID == "" {
				t.Fatalf("letters %+v, want one with an id", letters)
			}
			letters[0].ID = ""
			want := letter{
				User: tt.user, From: "mlops@example.com", To: []string{"one@example.com", "two@example.com"},
				Subject: string(monitor) + ": violated", Text: "it is violated",
			}
			if d := cmp.Diff(want, letters[0]); d != "" {
				t.Errorf("letter (-want +got):\n%s", d)
			}
		})
	}
}

// TestPasswordNeedsTLS: a server that offers no TLS, or an unknown certificate,
// never sees the password.
func TestPasswordNeedsTLS(t *testing.T) {
	t.Parallel()
	stranger := openPostOffice(t, true)
	stranger.roots = nil
	for name, p := range map[string]*postOffice{"no TLS": openPostOffice(t, false), "unknown certificate": stranger} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := withMail(t, p, "smtp://robot:p%40ss%2Fword@"+p.address+"/?from=mlops@example.com")
			b.tell(t, monitor, mlops.MonitorViolated, "one@example.com")
			await(t, "no failure shows", func() bool { return b.standing(t, monitor).LastFail != "" })
			if letters, logins := p.got(); len(letters)+len(logins) != 0 {
				t.Errorf("it got %v %v", letters, logins)
			}
		})
	}
}

// TestMailServerInTrouble: what cannot be sent is sent later, and neither log nor
// status tells the password.
func TestMailServerInTrouble(t *testing.T) {
	t.Parallel()
	p := openPostOffice(t, true)
	p.say(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "come back later"})
	b := withMail(t, p, "smtp://robot:p%40ss%2Fword@"+p.address+"/?from=mlops@example.com")
	b.tell(t, monitor, mlops.MonitorViolated, "one@example.com")
	await(t, "the failure does not show", func() bool { return strings.Contains(b.standing(t, monitor).LastFail, "come back later") })
	for where, text := range map[string]string{"log": b.logged.String(), "status": b.standing(t, monitor).LastFail} {
		if strings.Contains(text, "p@ss") || strings.Contains(text, "p%40ss") {
			t.Errorf("the %s tells the password: %q", where, text)
		}
	}
	p.say(nil)
	b.settled(t, monitor)
	if letters, _ := p.got(); len(letters) != 1 {
		t.Errorf("letters %+v, want one", letters)
	}
}

// TestMailServerBecomesKnown: mails that could not be sent for want of a server
// are sent when one is known.
func TestMailServerBecomesKnown(t *testing.T) {
	t.Parallel()
	p := openPostOffice(t, false)
	b := newBench(t, t.TempDir()).start(t)
	b.watch(t, monitor, "")
	if known, err := b.HasMailServer(t.Context()); known || err != nil {
		t.Errorf("known %t, %v", known, err)
	}
	b.tell(t, monitor, mlops.MonitorViolated, "one@example.com")
	await(t, "the failure does not show", func() bool { return strings.Contains(b.standing(t, monitor).LastFail, "smtp_url") })
	if err := b.SetMailServer(t.Context(), "smtp://"+p.address+"?from=mlops@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := b.SetMailServer(t.Context(), ""); err != nil { // as a client without the setting says
		t.Fatal(err)
	}
	b.settled(t, monitor)
}

func TestParseMailServer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		want      mailServer
		wantErr   string
	}{
		{"plain", "smtp://mail.example.com?from=a@b.c", mailServer{host: "mail.example.com", port: 587, from: "a@b.c"}, ""},
		{"port", "smtp://mail.example.com:25/?from=a@b.c", mailServer{host: "mail.example.com", port: 25, from: "a@b.c"}, ""},
		{"TLS", "smtps://mail.example.com?from=a@b.c", mailServer{host: "mail.example.com", port: 465, from: "a@b.c"}, ""},
		{"password", "smtp://u:p%40@h?from=a@b.c", mailServer{host: "h", port: 587, from: "a@b.c", user: "u", password: "p@"}, ""},
		{"IPv6", "smtp://[::1]:2525?from=a@b.c", mailServer{host: "::1", port: 2525, from: "a@b.c"}, ""},
		{"no sender", "smtp://u:hush@h", mailServer{}, "lacks the sender"},
		{"a sender that is none", "smtp://u:hush@h?from=nobody", mailServer{}, "is no address"},
		{"another scheme", "https://u:hush@h?from=a@b.c", mailServer{}, "no URL of a mail server"},
		{"no host", "smtp://?from=a@b.c", mailServer{}, "no URL of a mail server"},
		{"no URL", "smtp://u:hush%zz@h?from=a@b.c", mailServer{}, "no URL of a mail server"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseMailServer(tt.url)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || strings.Contains(err.Error(), "hush") {
					t.Errorf("error %v, want %q and no password", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got.options = nil
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(mailServer{})); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		of   Message
		want string
	}{
		{"violated", Message{Monitor: monitor, State: mlops.MonitorViolated}, "local/dev/monitors/drift: violated"},
		{"over", Message{Monitor: monitor, State: mlops.MonitorOK}, "local/dev/monitors/drift: ok"},
		{
			"retraining",
			Message{Monitor: monitor, State: mlops.MonitorViolated, Retraining: &mlops.Retraining{State: mlops.RetrainingFailed}},
			"local/dev/monitors/drift: retraining failed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.of.subject(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
