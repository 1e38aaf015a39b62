-- Tags that are computed for everybody, or cleared. kind: compute, clear. state: waiting,
-- running, done, failed, cancelled. total and done count people; moved the values that
-- were not as they should be.
CREATE TABLE tag_run (
  id BIGINT NOT NULL PRIMARY KEY,
  tag_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  state VARCHAR(12) NOT NULL,
  total BIGINT NOT NULL,
  done BIGINT NOT NULL,
  moved BIGINT NOT NULL,
  worker_id BIGINT NOT NULL,
  error VARCHAR(300) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL
){{options}};
CREATE INDEX tag_run_tag ON tag_run (tag_id, created_at);
CREATE INDEX tag_run_by ON tag_run (by_id, created_at);
CREATE INDEX tag_run_open ON tag_run (state, created_at);

-- How many humans had which value at the end of a count; the newest of a day stays.
CREATE TABLE tag_stat (
  tag_id BIGINT NOT NULL,
  day INT NOT NULL,
  value VARCHAR(32) NOT NULL,
  people BIGINT NOT NULL,
  PRIMARY KEY (tag_id, day, value)
){{options}};
