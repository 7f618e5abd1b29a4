-- There is no directory: a user is a name that was mentioned, a process a workflow that a call asked for.
CREATE TABLE users (
    project TEXT NOT NULL REFERENCES projects (name),
    number  INTEGER NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (project, number),
    UNIQUE (project, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE processes (
    project TEXT NOT NULL REFERENCES projects (name),
    number  INTEGER NOT NULL,
    object  TEXT NOT NULL,
    PRIMARY KEY (project, number),
    UNIQUE (project, object)
) STRICT, WITHOUT ROWID;
