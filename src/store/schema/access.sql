-- Keys of the API and the tokens given out for them.

-- What an entry is about that is about no object: the client id of a key.
ALTER TABLE audit ADD COLUMN subject TEXT;

-- scopes: separated by spaces. secret_hash: Argon2id, as a PHC string. A revoked key stays, for the audit; its name is
-- free again.
CREATE TABLE keys (
    client_id   TEXT PRIMARY KEY,
    project     TEXT NOT NULL REFERENCES projects (name),
    name        TEXT NOT NULL,
    scopes      TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX keys_live ON keys (project, name) WHERE revoked_at IS NULL;

-- lookup: keyed hash of the token, base64; the token itself is kept nowhere.
CREATE TABLE access_tokens (
    lookup     TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES keys (client_id),
    scopes     TEXT NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);
CREATE INDEX access_tokens_key ON access_tokens (client_id, issued_at);

-- One row. Rises whenever tokens are taken away before their end, so that what was looked up before it can be told from what was looked up after.
CREATE TABLE access_changes (count INTEGER NOT NULL) STRICT;
INSERT INTO access_changes (count) VALUES (0);
