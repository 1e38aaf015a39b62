-- What WeChat reports of copies that it took (发送结果通知), by account and its id of the
-- message (i:...), or, where its answer named none, by whom it was to and the template as a
-- digest (s:...). A report may come before its copy's row says that it was sent: whichever is
-- first waits here for the other. delivery_id is one copy, call_id the call of a mass send;
-- -1: two copies fit. state: sent (no report yet), told (nobody knows of what yet), both (to
-- be applied), done. Counts are those of a mass send.
CREATE TABLE push_heard (
  account_id BIGINT NOT NULL,
  msg_key VARCHAR(48) NOT NULL,
  run_id BIGINT NOT NULL,
  delivery_id BIGINT NOT NULL,
  call_id BIGINT NOT NULL,
  state VARCHAR(8) NOT NULL,
  reason VARCHAR(32) NOT NULL,
  code VARCHAR(32) NOT NULL,
  total_n INT NOT NULL,
  meant_n INT NOT NULL,
  sent_n INT NOT NULL,
  failed_n INT NOT NULL,
  sent_at BIGINT NOT NULL,
  told_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account_id, msg_key)
){{options}};
CREATE INDEX push_heard_state ON push_heard (state, at);
CREATE INDEX push_heard_run ON push_heard (run_id, call_id);

-- When it went on last: whose best hour passed meanwhile waits for the next one.
ALTER TABLE push ADD COLUMN resumed_at BIGINT NOT NULL DEFAULT 0;
