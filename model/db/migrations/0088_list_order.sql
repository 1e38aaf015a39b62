-- Scans that stand out are read by their reason from the index alone; withdrawals of all
-- brands in their order, not sorted each time.
CREATE INDEX code_sight_reason ON code_sight (flagged_at, flag_reason);
DROP INDEX code_sight_flagged{{of code_sight}};
CREATE INDEX withdrawal_created ON withdrawal (created_at);
