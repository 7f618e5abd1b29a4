-- What `reconcile` leaves alone: a project (no kind and no name), or one object of it by address.
CREATE TABLE suspensions (
    project TEXT NOT NULL REFERENCES projects (name),
    kind    TEXT,
    name    TEXT,
    reason  TEXT NOT NULL,
    actor   TEXT NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER,
    CHECK ((kind IS NULL) = (name IS NULL))
) STRICT;
CREATE UNIQUE INDEX suspensions_what ON suspensions (project, ifnull(kind, ''), ifnull(name, ''));
