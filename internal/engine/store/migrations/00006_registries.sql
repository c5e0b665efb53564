-- +goose Up
-- The registries that environments keep their models in, where that is not the
-- engine itself: what of them is kept sealed.
CREATE TABLE registries (
    environment TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    token       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
