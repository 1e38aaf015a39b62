-- What is asked of members (档案字段). The built-in fields are in the program; a row of
-- the same name changes how such a field is asked, never what it is.
CREATE TABLE profile_field (
  name VARCHAR(32) NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  title VARCHAR(32) NOT NULL,
  kind VARCHAR(12) NOT NULL,
  choices TEXT NOT NULL,
  purpose VARCHAR(32) NOT NULL,
  question VARCHAR(100) NOT NULL,
  why VARCHAR(100) NOT NULL,
  points BIGINT NOT NULL,
  place_no INT NOT NULL,
  active SMALLINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};

-- Every answer there ever was, of the member it was given for. ref_id is the import or
-- the operator that wrote it; an import taken back deletes its rows, so what was there
-- before counts again.
CREATE TABLE profile_value (
  id BIGINT NOT NULL PRIMARY KEY,
  member_id BIGINT NOT NULL,
  field VARCHAR(32) NOT NULL,
  value VARCHAR(400) NOT NULL,
  source VARCHAR(12) NOT NULL,
  ref_id BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  at BIGINT NOT NULL
){{options}};
CREATE INDEX profile_value_member ON profile_value (member_id, field, at);

-- A question that was skipped, and until when it is not asked again.
CREATE TABLE profile_skip (
  member_id BIGINT NOT NULL,
  field VARCHAR(32) NOT NULL,
  until_at BIGINT NOT NULL,
  PRIMARY KEY (member_id, field)
){{options}};

-- Points given for an answer, once per field. It outlives the answer.
CREATE TABLE profile_reward (
  member_id BIGINT NOT NULL,
  field VARCHAR(32) NOT NULL,
  points BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (member_id, field)
){{options}};

-- The first touch of a member by each channel; the earliest of all is his origin
-- (来源渠道).
CREATE TABLE profile_origin (
  member_id BIGINT NOT NULL,
  channel VARCHAR(16) NOT NULL,
  event_key VARCHAR(96) NOT NULL,
  brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL,
  scene VARCHAR(64) NOT NULL,
  ref_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (member_id, channel)
){{options}};

-- Moves of the relation (关系深度), each with the event that made it; only added to.
CREATE TABLE profile_move (
  id BIGINT NOT NULL PRIMARY KEY,
  member_id BIGINT NOT NULL,
  depth VARCHAR(12) NOT NULL,
  event_key VARCHAR(96) NOT NULL,
  event_type VARCHAR(24) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  at BIGINT NOT NULL,
  CONSTRAINT profile_move_once UNIQUE (member_id, depth, event_key)
){{options}};

-- One file of old customers (会员导入). States: receiving, received, checking, checked,
-- running, paused, done, cancelled, failed, undoing, undone. The worker lease_owner has
-- it until lease_until; beat makes each of its reports change the row.
CREATE TABLE crm_import (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  source VARCHAR(64) NOT NULL,
  file_name VARCHAR(200) NOT NULL,
  format VARCHAR(8) NOT NULL,
  encoding VARCHAR(12) NOT NULL,
  bytes BIGINT NOT NULL,
  sha256 CHAR(64) NOT NULL,
  header TEXT NOT NULL,
  mapping TEXT NOT NULL,
  state VARCHAR(12) NOT NULL,
  done_rows BIGINT NOT NULL,
  total_rows BIGINT NOT NULL,
  new_rows BIGINT NOT NULL,
  old_rows BIGINT NOT NULL,
  conflict_rows BIGINT NOT NULL,
  bad_rows BIGINT NOT NULL,
  by_key VARCHAR(500) NOT NULL,
  kept_rows BIGINT NOT NULL,
  file_gone SMALLINT NOT NULL,
  error VARCHAR(500) NOT NULL,
  lease_owner BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  beat BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL
){{options}};
CREATE INDEX crm_import_brand ON crm_import (brand_id, created_at);
CREATE INDEX crm_import_state ON crm_import (state, created_at);

-- The file in sealed pieces, so that every process can read it.
CREATE TABLE crm_file (
  import_id BIGINT NOT NULL,
  seq INT NOT NULL,
  sealed {{blob}} NOT NULL,
  PRIMARY KEY (import_id, seq)
){{options}};

-- What one row of a file did; written in the transaction that did it. wrote is what
-- taking it back needs.
CREATE TABLE crm_row (
  import_id BIGINT NOT NULL,
  row_no BIGINT NOT NULL,
  outcome VARCHAR(12) NOT NULL,
  person_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  wrote TEXT NOT NULL,
  PRIMARY KEY (import_id, row_no)
){{options}};
CREATE INDEX crm_row_member ON crm_row (member_id);

-- What is wrong with one row: sealed, because it quotes the row.
CREATE TABLE crm_error (
  import_id BIGINT NOT NULL,
  row_no BIGINT NOT NULL,
  sealed {{blob}} NOT NULL,
  PRIMARY KEY (import_id, row_no)
){{options}};

CREATE TABLE crm_mapping (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  mapping TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  CONSTRAINT crm_mapping_name UNIQUE (brand_id, name)
){{options}};
