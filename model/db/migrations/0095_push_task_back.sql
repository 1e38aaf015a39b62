-- A stopped push takes back what its staff have not sent. back: '' it is not to be; asked,
-- denied (the account's settings forbid it), taken, refused, unsure (refused after a call
-- without an answer). back_code: WeCom's last. back_calls: calls without an answer.
ALTER TABLE push_task ADD COLUMN back VARCHAR(8) NOT NULL DEFAULT '';
ALTER TABLE push_task ADD COLUMN back_code VARCHAR(16) NOT NULL DEFAULT '';
ALTER TABLE push_task ADD COLUMN back_calls INT NOT NULL DEFAULT 0;
CREATE INDEX push_task_run ON push_task (run_id);
