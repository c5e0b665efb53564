package alerts

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strconv"

	gomail "github.com/wneessen/go-mail"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
)

// mail is the payload of an alert that is mailed.
type mail struct {
	To      []string `json:"to"`
	Subject string   `json:"subject"`
	Text    string   `json:"text"`
}

// mailServer is where mails are sent from.
type mailServer struct {
	host, user, password, from string
	port                       int
	options                    []gomail.Option
}

const (
	portSubmission = 587
	portTLS        = 465
)

// parseMailServer reads smtp://user:password@host:port?from=address. smtp uses
// TLS if the server offers it, and needs it where there is a password; smtps uses
// it from the start.
func parseMailServer(text string) (mailServer, error) {
	const form = "write smtp://user:password@host:587?from=alerts@example.com, or smtps:// for TLS from the start"
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return mailServer{}, errors.New("this is no URL of a mail server; " + form) // without the URL: it holds a password
	}
	m := mailServer{host: u.Hostname(), port: portSubmission, from: u.Query().Get("from"), user: u.User.Username()}
	m.password, _ = u.User.Password()
	if m.from == "" {
		return m, errors.New("the URL of the mail server lacks the sender; " + form)
	}
	if _, err := netmail.ParseAddress(m.from); err != nil {
		return m, errors.New("the sender in the URL of the mail server is no address; " + form)
	}
	policy := gomail.TLSOpportunistic
	if u.Scheme == "smtps" {
		m.port, m.options = portTLS, append(m.options, gomail.WithSSL())
	}
	if m.user != "" {
		policy = gomail.TLSMandatory
		m.options = append(m.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(m.user), gomail.WithPassword(m.password))
	}
	if p := u.Port(); p != "" {
		if m.port, err = strconv.Atoi(p); err != nil {
			return m, errors.New("the port of the mail server is no number; " + form)
		}
	}
	m.options = append(m.options, gomail.WithPort(m.port), gomail.WithTLSPolicy(policy), gomail.WithTimeout(attemptLimit))
	return m, nil
}

// sendMail delivers an alert by the mail server that is known.
func (s *Service) sendMail(ctx context.Context, a store.Alert) error {
	sealed, err := s.Store.Sealed(ctx, smtpName)
	if err != nil {
		return err
	}
	if sealed == "" {
		return errors.New("no mail server is known; set smtp_url in the provider's local block")
	}
	address, err := s.Keys.Unseal(smtpName, sealed)
	if err != nil {
		return err
	}
	server, err := parseMailServer(string(address))
	if err != nil {
		return finalError{err}
	}
	message, err := compose(a, server.from)
	if err != nil {
		return finalError{err}
	}
	secure := &tls.Config{ServerName: server.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	client, err := gomail.NewClient(server.host, append(server.options, gomail.WithTLSConfig(secure))...)
	if err != nil {
		return finalError{err}
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("the mail server %s: %w", server.host, err)
	}
	return nil
}

func compose(a store.Alert, from string) (*gomail.Msg, error) {
	var body mail
	if err := json.Unmarshal([]byte(a.Payload), &body); err != nil {
		return nil, err
	}
	m := gomail.NewMsg()
	if err := errors.Join(m.From(from), m.To(body.To...)); err != nil {
		return nil, err
	}
	m.SetMessageIDWithValue(a.ID + "@terraform-provider-mlops")
	m.Subject(body.Subject)
	m.SetBodyString(gomail.TypeTextPlain, body.Text)
	return m, nil
}
