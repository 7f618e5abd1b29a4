-- Requests of workflows: runs, their tasks, logs and e-mails.

-- id: a UUID of version 7, as text. number: from 1 within a project. state: JSON, what `behaviour` keeps of a run.
-- active: the engine has something to do. saves: counts writes, so that two writers cannot overwrite each other.
CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    project       TEXT NOT NULL,
    number        INTEGER NOT NULL,
    workflow      TEXT NOT NULL,
    workflow_name TEXT NOT NULL,
    version       INTEGER NOT NULL,
    is_test       INTEGER NOT NULL,
    started_by    TEXT NOT NULL,
    started_for   TEXT,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    active        INTEGER NOT NULL,
    saves         INTEGER NOT NULL,
    state         TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_number ON runs (project, number);
CREATE INDEX runs_active ON runs (id) WHERE active = 1;

-- exception: JSON.
CREATE TABLE run_tasks (
    run       TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    step      TEXT NOT NULL,
    visit     INTEGER NOT NULL,
    assignee  TEXT,
    state     TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    ended_at  INTEGER,
    ended_by  TEXT,
    exception TEXT,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- body: JSON.
CREATE TABLE run_logs (
    sequence INTEGER PRIMARY KEY,
    run      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    body     TEXT NOT NULL
) STRICT;
CREATE INDEX run_logs_run ON run_logs (run, sequence);

-- The outbox: every e-mail, sent or not.
CREATE TABLE emails (
    message_id TEXT PRIMARY KEY,
    run        TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step       TEXT NOT NULL,
    sender     TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,
    state      TEXT NOT NULL,
    error      TEXT,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX emails_run ON emails (run, at);
