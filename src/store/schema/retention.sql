-- What is over, by when it ended: so that old rows are found without going through those that are kept.
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX notifications_ended ON notifications (end_at);
