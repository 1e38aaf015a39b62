-- Instants are milliseconds since 1970 UTC; 0 means "none". Amounts are fen.
-- No foreign keys, triggers or procedures: each context guards its own tables, and
-- TiDB runs the same schema.

CREATE TABLE process_start (
  number BIGINT NOT NULL PRIMARY KEY,
  started_at BIGINT NOT NULL
){{options}};

-- state: 0 waiting, 1 handed to the queue, 2 done
CREATE TABLE outbox (
  id BIGINT NOT NULL PRIMARY KEY,
  task VARCHAR(48) NOT NULL,
  ref_id BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  due_at BIGINT NOT NULL,
  tries INT NOT NULL,
  created_at BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL,
  last_error VARCHAR(500) NOT NULL
){{options}};
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_ref ON outbox (ref_id);

-- outcome: begun, done, or the code of the fault that ended the act
CREATE TABLE audit (
  id BIGINT NOT NULL PRIMARY KEY,
  created_at BIGINT NOT NULL,
  actor_id BIGINT NOT NULL,
  actor VARCHAR(64) NOT NULL,
  ip VARCHAR(45) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  action VARCHAR(64) NOT NULL,
  object VARCHAR(32) NOT NULL,
  object_id BIGINT NOT NULL,
  before_json TEXT NOT NULL,
  after_json TEXT NOT NULL,
  reason VARCHAR(500) NOT NULL,
  outcome VARCHAR(64) NOT NULL
){{options}};
CREATE INDEX audit_object ON audit (object, object_id, created_at);
CREATE INDEX audit_actor ON audit (actor_id, created_at);
CREATE INDEX audit_created ON audit (created_at);

-- state: 0 stored, 1 applied, 2 refused (kept, with the reason)
CREATE TABLE notice (
  id BIGINT NOT NULL PRIMARY KEY,
  source VARCHAR(24) NOT NULL,
  dedup_key VARCHAR(160) NOT NULL,
  account_id BIGINT NOT NULL,
  body {{blob}} NOT NULL,
  state SMALLINT NOT NULL,
  received_at BIGINT NOT NULL,
  applied_at BIGINT NOT NULL,
  error VARCHAR(500) NOT NULL,
  CONSTRAINT notice_once UNIQUE (source, dedup_key)
){{options}};
CREATE INDEX notice_state ON notice (state, received_at);

CREATE TABLE replay (
  scope VARCHAR(64) NOT NULL,
  idem_key VARCHAR(128) NOT NULL,
  input_hash CHAR(64) NOT NULL,
  status INT NOT NULL,
  answer {{blob}} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (scope, idem_key)
){{options}};
CREATE INDEX replay_age ON replay (created_at);

-- Every entry has two sides and one amount, so it sums to zero by itself. An
-- account is (kind, owner). Entries are never changed; a correction is the opposite.
CREATE TABLE ledger_entry (
  id BIGINT NOT NULL PRIMARY KEY,
  entry_key VARCHAR(64) NOT NULL,
  unit VARCHAR(8) NOT NULL,
  debit_kind VARCHAR(16) NOT NULL,
  debit_owner BIGINT NOT NULL,
  credit_kind VARCHAR(16) NOT NULL,
  credit_owner BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  memo VARCHAR(100) NOT NULL,
  at BIGINT NOT NULL,
  CONSTRAINT ledger_entry_once UNIQUE (entry_key)
){{options}};
CREATE INDEX ledger_debit ON ledger_entry (debit_owner, debit_kind, at);
CREATE INDEX ledger_credit ON ledger_entry (credit_owner, credit_kind, at);
