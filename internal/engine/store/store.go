package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"modernc.org/sqlite" // also registers the driver
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the open database. It is safe for concurrent use.
type Store struct {
	write *sql.DB // one connection: SQLite has one writer
	read  *sql.DB
}

// Open opens the database at path, making it if there is none, and brings its
// schema up to date. A file that is no intact database is an error of code
// Failed that names the file, and is left as it is.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := create(path); err != nil {
		return nil, explain(path, err)
	}
	s := &Store{}
	var err error
	if s.write, err = sql.Open("sqlite", dsn(path, "immediate")); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", dsn(path, "deferred")); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), s.Close())
	}
	s.read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(explain(path, err), s.Close())
	}
	return s, nil
}

// create makes the file itself, for the owner's eyes only: SQLite would make it
// with the process's umask.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(path, lock string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"},
		"_txlock": {lock},
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

func (s *Store) prepare(ctx context.Context) error {
	var verdict string
	if err := s.write.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return &damagedError{verdict}
	}
	return s.migrate(ctx)
}

func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(database.DialectSQLite3, s.write, dir)
	if err != nil {
		return err
	}
	has, newest, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > newest {
		return fmt.Errorf("the store has schema %d, this engine knows up to %d: a newer version of the provider wrote it, use that one", has, newest)
	}
	_, err = p.Up(ctx)
	return err
}

// Close closes the database.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Read is the pool for queries that change nothing.
func (s *Store) Read() *sql.DB { return s.read }

// Tx is a write transaction.
type Tx struct{ *sql.Tx }

// Write runs f in one write transaction, which is rolled back if f fails.
func (s *Store) Write(ctx context.Context, f func(*Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	if err := f(&Tx{tx}); err != nil {
		return errors.Join(classify(err), ignoreDone(tx.Rollback()))
	}
	return classify(tx.Commit())
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

type damagedError struct{ verdict string }

func (e *damagedError) Error() string { return e.verdict }

// explain turns an error of opening into one that says what to do.
func explain(path string, err error) error {
	damaged, isDamaged := errors.AsType[*damagedError](err)
	code := sqliteCode(err)
	switch {
	case isDamaged:
		err = fmt.Errorf("the store %s is damaged (%s); it is left as it is: restore it from a backup, or move it away to start with an empty one", path, damaged.verdict)
		return mlops.NewError(mlops.Failed, err)
	case code == sqlite3.SQLITE_NOTADB || code == sqlite3.SQLITE_CORRUPT:
		err = fmt.Errorf("the store %s is not an intact database (%w); it is left as it is: restore it from a backup, or move it away to start with an empty one", path, err)
		return mlops.NewError(mlops.Failed, err)
	case errors.Is(err, fs.ErrPermission) || code == sqlite3.SQLITE_READONLY:
		return mlops.NewError(mlops.PermissionDenied, fmt.Errorf("the store %s cannot be written: %w", path, err))
	}
	return fmt.Errorf("open the store %s: %w", path, classify(err))
}

// classify gives SQLite's errors a code where the caller can do something about
// it. Other errors are returned as they are.
func classify(err error) error {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_FULL:
		return mlops.NewError(mlops.QuotaExceeded, fmt.Errorf("the disk is full: %w", err))
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return mlops.NewError(mlops.Unavailable, err)
	}
	return err
}

// sqliteCode returns an error's primary SQLite result code, or 0.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	if err != nil && strings.Contains(err.Error(), "file is not a database") {
		return sqlite3.SQLITE_NOTADB
	}
	return 0
}
