-- The call that a copy went with, of those that reach many: it is made again, with all who
-- were in it, under the key that it had.
ALTER TABLE push_delivery ADD COLUMN call_id BIGINT NOT NULL DEFAULT 0;
