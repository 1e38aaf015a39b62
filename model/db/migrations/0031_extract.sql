-- Lists that operators take out (导出). state: waiting, running, ready, failed, cancelled,
-- expired. total is how many rows will be looked at (-1: not counted yet), seen how many
-- were, done how many of them are in the files. after_key is the last row that was seen.
CREATE TABLE extract (
  id BIGINT NOT NULL PRIMARY KEY,
  kind VARCHAR(32) NOT NULL,
  filter TEXT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  state VARCHAR(12) NOT NULL,
  total BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  done BIGINT NOT NULL,
  parts INT NOT NULL,
  files INT NOT NULL,
  after_key VARCHAR(64) NOT NULL,
  bytes BIGINT NOT NULL,
  error VARCHAR(300) NOT NULL,
  downloads INT NOT NULL,
  max_downloads INT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
){{options}};
CREATE INDEX extract_by ON extract (by_id, state, created_at);
CREATE INDEX extract_state ON extract (state, expires_at);

-- Packed and sealed lines, in order. A part is written in the transaction that says how
-- far the extract is.
CREATE TABLE extract_part (
  extract_id BIGINT NOT NULL,
  part INT NOT NULL,
  file_no INT NOT NULL,
  body {{blob}} NOT NULL,
  PRIMARY KEY (extract_id, part)
){{options}};

-- Views of lists that operators kept (保存的视图). query is the list's own address line.
CREATE TABLE operator_view (
  id BIGINT NOT NULL PRIMARY KEY,
  operator_id BIGINT NOT NULL,
  page VARCHAR(64) NOT NULL,
  name VARCHAR(32) NOT NULL,
  query VARCHAR(2000) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT operator_view_once UNIQUE (operator_id, page, name)
){{options}};

-- Until when an operator has seen what became of his jobs.
CREATE TABLE job_seen (
  operator_id BIGINT NOT NULL PRIMARY KEY,
  seen_at BIGINT NOT NULL
){{options}};

-- Jobs of one operator.
CREATE INDEX export_by ON export (created_by, created_at);
CREATE INDEX referral_export_by ON referral_export (by_id, created_at);
CREATE INDEX crm_import_by ON crm_import (created_by, created_at);
-- The audit, one kind of act or of object at a time.
CREATE INDEX audit_action ON audit (action, created_at);
