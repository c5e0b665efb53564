-- +goose Up
-- The last number that each model gave to a version: numbers are never reused.
CREATE TABLE version_numbers (
    model TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
