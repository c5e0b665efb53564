package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Alert is something to be told over one channel.
type Alert struct {
	ID       string // also tells the receiver that two are the same
	Monitor  mlops.ID
	Channel  string
	Payload  string // JSON
	Attempts int    // so far
	Due      time.Time
	Created  time.Time
}

// Alerting is how the telling of a monitor went.
type Alerting struct {
	Webhook  string // sealed; "" if there is none
	LastSent time.Time
	LastFail string
	Pending  int64
}

// PutAlert writes an alert, new or tried once more. One whose monitor is gone is
// forgotten.
func (tx *Tx) PutAlert(ctx context.Context, a Alert) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO alerts (id, monitor, channel, payload, attempts, due, created)
		SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM objects WHERE id = ?)
		ON CONFLICT (id) DO UPDATE SET attempts = excluded.attempts, due = excluded.due`,
		a.ID, a.Monitor, a.Channel, a.Payload, a.Attempts, a.Due.UnixNano(), a.Created.UnixNano(), a.Monitor)
	return err
}

// EndAlert forgets an alert, and notes how it ended: with a failure, or at a time.
func (tx *Tx) EndAlert(ctx context.Context, a Alert, sent time.Time, failure string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM alerts WHERE id = ?", a.ID); err != nil {
		return err
	}
	if failure != "" {
		return tx.NoteFailure(ctx, a.Monitor, failure)
	}
	_, err := tx.ExecContext(ctx, "UPDATE alerting SET last_sent = ?, last_fail = '' WHERE monitor = ?", sent.UnixNano(), a.Monitor)
	return err
}

// NoteFailure notes why an alert of a monitor could not be delivered.
func (tx *Tx) NoteFailure(ctx context.Context, monitor mlops.ID, failure string) error {
	_, err := tx.ExecContext(ctx, "UPDATE alerting SET last_fail = ? WHERE monitor = ?", failure, monitor)
	return err
}

// DueAlerts returns alerts to be delivered now, and when the next one is due; the
// zero time is never. Those of one monitor and channel come one after the other:
// that a violation is over is not told before that there was one. What is due
// later than the longest pause is due now: the clock was set back.
func (s *Store) DueAlerts(ctx context.Context, now time.Time, longest time.Duration, most int) (due []Alert, next time.Time, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, monitor, channel, payload, attempts, due, created FROM alerts
		WHERE NOT EXISTS (SELECT 1 FROM alerts AS earlier WHERE earlier.monitor = alerts.monitor AND earlier.channel = alerts.channel
			AND earlier.number < alerts.number)
		ORDER BY due LIMIT ?`, most)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a Alert
		var at, created int64
		if err := rows.Scan(&a.ID, &a.Monitor, &a.Channel, &a.Payload, &a.Attempts, &at, &created); err != nil {
			return nil, time.Time{}, err
		}
		a.Due, a.Created = time.Unix(0, at), time.Unix(0, created)
		switch wait := a.Due.Sub(now); {
		case wait <= 0, wait > longest:
			due = append(due, a)
		case next.IsZero():
			next = a.Due
		}
	}
	return due, next, rows.Err()
}

// PutAlerting writes the sealed webhook of a monitor; an empty one takes it away.
func (tx *Tx) PutAlerting(ctx context.Context, monitor mlops.ID, webhook string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO alerting (monitor, webhook, last_sent, last_fail) VALUES (?, ?, 0, '')
		ON CONFLICT (monitor) DO UPDATE SET webhook = excluded.webhook`, monitor, webhook)
	return err
}

// Alerting returns how the telling of a monitor goes.
func (s *Store) Alerting(ctx context.Context, monitor mlops.ID) (a Alerting, err error) {
	var sent int64
	err = s.read.QueryRowContext(ctx, `SELECT webhook, last_sent, last_fail, (SELECT count(*) FROM alerts WHERE alerts.monitor = alerting.monitor)
		FROM alerting WHERE monitor = ?`, monitor).Scan(&a.Webhook, &sent, &a.LastFail, &a.Pending)
	if errors.Is(err, sql.ErrNoRows) {
		return a, nil
	}
	if sent != 0 {
		a.LastSent = time.Unix(0, sent).UTC()
	}
	return a, err
}

// PutSealed writes something that is sealed; an empty value takes it away.
func (tx *Tx) PutSealed(ctx context.Context, name, value string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO sealed (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}

// Sealed returns something that is sealed, or "".
func (s *Store) Sealed(ctx context.Context, name string) (value string, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT value FROM sealed WHERE name = ?", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}
