-- +goose Up
CREATE TABLE objects (
    id              TEXT PRIMARY KEY,
    noun            TEXT NOT NULL,
    owner           TEXT NOT NULL,
    spec            TEXT NOT NULL,
    revision        TEXT NOT NULL,
    wanted          TEXT,
    wanted_revision TEXT NOT NULL,
    status          TEXT NOT NULL,
    phase           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    created         INTEGER NOT NULL,
    updated         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX objects_noun ON objects (noun, id);
