-- The System that an object belonged to when the entry was made; a System belongs to itself.
ALTER TABLE audit ADD COLUMN system TEXT;
CREATE INDEX audit_time ON audit (project, at);
