-- Who a push goes to was found by what people did: whoever takes that consent back while his
-- copy waits gets none.
ALTER TABLE push ADD COLUMN profiled SMALLINT NOT NULL DEFAULT 0;
