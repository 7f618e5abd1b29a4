CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE projects (
    name     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;

-- Times are microseconds since 1970. metadata, spec, last_applied, server_set are JSON.
CREATE TABLE objects (
    id                  TEXT PRIMARY KEY,
    project             TEXT NOT NULL REFERENCES projects (name),
    kind                TEXT NOT NULL,
    name                TEXT NOT NULL,
    metadata            TEXT NOT NULL,
    spec                TEXT NOT NULL,
    digest              TEXT NOT NULL,
    generation          INTEGER NOT NULL,
    last_applied        TEXT,
    last_applied_digest TEXT,
    server_set          TEXT NOT NULL,
    managed             INTEGER NOT NULL,
    used                INTEGER NOT NULL,
    archived            INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    archived_at         INTEGER
) STRICT;
CREATE UNIQUE INDEX objects_live ON objects (project, kind, name) WHERE archived = 0;
CREATE INDEX objects_all ON objects (project, kind, name);

-- links: the ids that the spec's references resolved to when the version was made, by path.
CREATE TABLE versions (
    object     TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    spec       TEXT NOT NULL,
    links      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (object, version)
) STRICT;

-- salt, nonce and ciphertext are base64.
CREATE TABLE secrets (
    object     TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    path       TEXT NOT NULL,
    salt       TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    ciphertext TEXT NOT NULL,
    PRIMARY KEY (object, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    object     TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    lookup     TEXT NOT NULL UNIQUE,
    nonce      TEXT NOT NULL,
    ciphertext TEXT NOT NULL
) STRICT;

-- Who refers to whom, of live objects only.
CREATE TABLE object_references (
    object TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    path   TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (object, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX object_references_target ON object_references (target);

CREATE TABLE applied_plans (
    project  TEXT NOT NULL REFERENCES projects (name),
    plan     TEXT NOT NULL,
    body     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (project, plan)
) STRICT;

-- A row stays when the lease is given back (owner NULL), so that its token never falls.
CREATE TABLE leases (
    project    TEXT PRIMARY KEY REFERENCES projects (name),
    token      INTEGER NOT NULL,
    owner      TEXT,
    actor      TEXT NOT NULL,
    since      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ends_with_process INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    project  TEXT NOT NULL REFERENCES projects (name),
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    kind     TEXT,
    name     TEXT,
    revision INTEGER NOT NULL,
    plan     TEXT,
    source   TEXT,
    before   TEXT,
    after    TEXT
) STRICT;
CREATE INDEX audit_object ON audit (project, kind, name, sequence);
CREATE TRIGGER audit_only_grows_1 BEFORE UPDATE ON audit BEGIN SELECT RAISE (ABORT, 'audit entries are only added'); END;
CREATE TRIGGER audit_only_grows_2 BEFORE DELETE ON audit BEGIN SELECT RAISE (ABORT, 'audit entries are only added'); END;
