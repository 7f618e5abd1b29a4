-- End users, notifications sent by calls, inboxes.

-- id: as the system keeps it, hashed where it says so. system: id of the object. attributes: a JSON object.
CREATE TABLE end_users (
    system     TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    id         TEXT NOT NULL,
    attributes TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (system, id)
) STRICT, WITHOUT ROWID;

-- Those of manifests are objects and stand there. sequence: the order of the calls. system, template: ids of objects;
-- a template that was used is never deleted. body: the rest, as JSON. to_audiences: whether it names any.
CREATE TABLE notifications (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    project      TEXT NOT NULL REFERENCES projects (name),
    system       TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    template     TEXT NOT NULL,
    start_at     INTEGER NOT NULL,
    end_at       INTEGER NOT NULL,
    to_audiences INTEGER NOT NULL,
    body         TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX notifications_project ON notifications (project, sequence);
CREATE INDEX notifications_system ON notifications (system, to_audiences, end_at);

-- The end users that a notification names.
CREATE TABLE notification_end_users (
    system       TEXT NOT NULL,
    end_user     TEXT NOT NULL,
    notification INTEGER NOT NULL REFERENCES notifications (sequence) ON DELETE CASCADE,
    PRIMARY KEY (system, end_user, notification)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_end_users_notification ON notification_end_users (notification);

-- notification: the id of a call's or of a manifest's; when a manifest's is removed, these rows stay.
CREATE TABLE notification_reads (
    notification TEXT NOT NULL,
    system       TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    end_user     TEXT NOT NULL,
    read_at      INTEGER NOT NULL,
    PRIMARY KEY (notification, system, end_user)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_reads_system ON notification_reads (system);
