-- Who is left alone to compare with, and how long and up to what amount is counted. Each
-- change is a new version. Shares in 1/10,000.
CREATE TABLE holdout_setting (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  universal_bp INT NOT NULL,
  held_bp INT NOT NULL,
  window_days INT NOT NULL,
  cap_fen BIGINT NOT NULL,
  salt VARCHAR(16) NOT NULL,
  reason VARCHAR(800) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- What a push cost in all, as somebody wrote it down.
CREATE TABLE push_cost (
  push_id BIGINT NOT NULL PRIMARY KEY,
  cost_fen BIGINT NOT NULL,
  note VARCHAR(800) NOT NULL,
  by_id BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};

-- What a push brought, as it was counted last. final: its window was over by then.
CREATE TABLE push_report (
  push_id BIGINT NOT NULL PRIMARY KEY,
  as_of BIGINT NOT NULL,
  final SMALLINT NOT NULL,
  report {{blob}} NOT NULL
){{options}};
CREATE INDEX push_report_open ON push_report (final, as_of);
