-- +goose Up
-- Alerts that are to be delivered, each over one channel.
CREATE TABLE alerts (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    monitor  TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    channel  TEXT NOT NULL,
    payload  TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    created  INTEGER NOT NULL
) STRICT;

CREATE INDEX alerts_due ON alerts (due);
CREATE INDEX alerts_order ON alerts (monitor, channel, number);

-- How the telling of each monitor went, and what it keeps sealed.
CREATE TABLE alerting (
    monitor   TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    webhook   TEXT NOT NULL,
    last_sent INTEGER NOT NULL,
    last_fail TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the engine itself keeps sealed.
CREATE TABLE sealed (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
