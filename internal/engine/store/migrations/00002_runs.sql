-- +goose Up
-- Work on runs that is not done: what an unfinished run was started with, or
-- an empty plan for a run that is being removed.
CREATE TABLE open_runs (
    run  TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    plan TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How each step of an unfinished run stands. When the run ends they are folded
-- into its status.
CREATE TABLE steps (
    run    TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- The newest step of each environment that did certain work on certain bytes.
CREATE TABLE step_cache (
    environment TEXT NOT NULL,
    work        TEXT NOT NULL,
    run         TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    step        TEXT NOT NULL,
    outputs     TEXT NOT NULL,
    PRIMARY KEY (environment, work)
) STRICT, WITHOUT ROWID;

CREATE INDEX step_cache_run ON step_cache (run);

-- Up to when each pipeline's schedule has been followed.
CREATE TABLE schedules (
    pipeline TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    schedule TEXT NOT NULL,
    until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
