-- +goose Up
-- The runs that each experiment tracks. A row outlives its run: what was tried,
-- and what came of it, is what an experiment is for.
CREATE TABLE tracked_runs (
    experiment TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    run        TEXT NOT NULL,
    accepted   INTEGER NOT NULL,
    record     TEXT NOT NULL,
    PRIMARY KEY (experiment, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX tracked_runs_order ON tracked_runs (experiment, accepted);
CREATE INDEX tracked_runs_run ON tracked_runs (run);
