-- What was shown when an answer was given, and where it came from.
ALTER TABLE consent ADD COLUMN text_hash VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE consent ADD COLUMN page VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE consent ADD COLUMN request_id VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE consent ADD COLUMN ip_hash VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE consent ADD COLUMN operator_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE consent ADD COLUMN note VARCHAR(200) NOT NULL DEFAULT '';

-- The words behind a text_hash, kept from the first answer to them on.
CREATE TABLE consent_text (
  text_hash VARCHAR(64) NOT NULL PRIMARY KEY,
  purpose VARCHAR(32) NOT NULL,
  policy_version VARCHAR(16) NOT NULL,
  title VARCHAR(64) NOT NULL,
  text VARCHAR(1000) NOT NULL,
  created_at BIGINT NOT NULL
){{options}};

-- hash: keyed hash of the number, 43 characters. tail: its last four digits.
CREATE TABLE phone (
  hash CHAR(43) NOT NULL PRIMARY KEY,
  sealed {{blob}} NOT NULL,
  key_version SMALLINT NOT NULL,
  tail CHAR(4) NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX phone_tail ON phone (tail);
-- Of one version the rows come in the order in which the engine stores them.
CREATE INDEX phone_version ON phone (key_version);

-- kind: export, correct, erase, restrict
-- state: requested, approved, running, done, refused, cancelled
-- open_key is member and kind while the request is open and its own id afterwards, so
-- that one request of a kind is open at a time. detail, answer and proof are sealed
-- or free of personal data.
CREATE TABLE rights_request (
  id BIGINT NOT NULL PRIMARY KEY,
  member_id BIGINT NOT NULL,
  kind VARCHAR(12) NOT NULL,
  state VARCHAR(12) NOT NULL,
  open_key VARCHAR(48) NOT NULL,
  channel VARCHAR(12) NOT NULL,
  operator_id BIGINT NOT NULL,
  detail {{blob}} NOT NULL,
  answer VARCHAR(500) NOT NULL,
  due_at BIGINT NOT NULL,
  start_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  downloads INT NOT NULL,
  file_bytes BIGINT NOT NULL,
  file_hash CHAR(64) NOT NULL,
  proof TEXT NOT NULL,
  CONSTRAINT rights_open UNIQUE (open_key)
){{options}};
CREATE INDEX rights_member ON rights_request (member_id, created_at);
CREATE INDEX rights_state ON rights_request (state, due_at);
CREATE INDEX rights_expiry ON rights_request (expires_at);

-- The sealed pieces of a finished export.
CREATE TABLE rights_file (
  request_id BIGINT NOT NULL,
  seq INT NOT NULL,
  sealed {{blob}} NOT NULL,
  PRIMARY KEY (request_id, seq)
){{options}};
