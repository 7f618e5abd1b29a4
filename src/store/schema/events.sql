-- Events as stored, deliveries and their attempts.

-- sequence: the order of acceptance; never reused, so that whoever reads on from one misses nothing and sees nothing
-- twice. body: JSON, hashed and censored already.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    project  TEXT NOT NULL,
    event_id TEXT NOT NULL,
    at       INTEGER NOT NULL,
    body     TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_id ON events (project, event_id);
CREATE INDEX events_at ON events (project, at);

-- id: a UUID of version 7, so that new rows go to the end. webhook, destination: ids of objects, which may be gone.
-- tried: places of the retry schedule used up; made: attempts in all. due_at counts while the state is pending.
CREATE TABLE deliveries (
    id           BLOB PRIMARY KEY,
    project      TEXT NOT NULL,
    event        INTEGER NOT NULL REFERENCES events (sequence) ON DELETE CASCADE,
    webhook      TEXT NOT NULL,
    webhook_name TEXT NOT NULL,
    destination  TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    tried        INTEGER NOT NULL,
    made         INTEGER NOT NULL,
    due_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (destination, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_unsettled ON deliveries (project, state) WHERE state <> 'delivered';
CREATE INDEX deliveries_project ON deliveries (project);
CREATE INDEX deliveries_webhook ON deliveries (project, webhook_name);
CREATE INDEX deliveries_event ON deliveries (event);

CREATE TABLE attempts (
    delivery BLOB NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    status   INTEGER,
    error    TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
