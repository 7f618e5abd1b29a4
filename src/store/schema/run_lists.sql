-- How far a run has come, as callers are told; what `state` says in the words of `behaviour`. For lists.
ALTER TABLE runs ADD COLUMN status TEXT NOT NULL DEFAULT 'running';
UPDATE runs SET status = CASE
    WHEN state ->> '$.position.waiting' = 'input' THEN 'waitingForInput'
    WHEN state ->> '$.position.waiting' = 'task' THEN 'waitingForTask'
    WHEN state ->> '$.position.ended' = 'completed' THEN 'completed'
    WHEN state ->> '$.position.ended' = 'cancelled' THEN 'cancelled'
    WHEN state -> '$.position.ended.failed' IS NOT NULL THEN 'failed'
    ELSE 'running'
END;
CREATE INDEX runs_project ON runs (project, id);
CREATE INDEX runs_workflow ON runs (project, workflow_name, id);
CREATE INDEX runs_status ON runs (project, status, id);
