-- How many of what happened when, counted forward from the rows themselves: kind slot is
-- ten minutes, day a business day (slot_at its beginning), region, product and campaign a
-- day and the province or number in dim. n counts, amount adds up (fen, points, members).
CREATE TABLE tally (
  brand_id BIGINT NOT NULL,
  metric VARCHAR(12) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  slot_at BIGINT NOT NULL,
  dim VARCHAR(32) NOT NULL,
  n BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (brand_id, metric, kind, slot_at, dim)
){{options}};

-- The same of the last quarter of an hour, by the minute in which the rows' ids were made:
-- counted again, and then moved into tally, when no row can come late any more.
CREATE TABLE tally_recent (
  made_at BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  metric VARCHAR(12) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  slot_at BIGINT NOT NULL,
  dim VARCHAR(32) NOT NULL,
  n BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (made_at, brand_id, metric, kind, slot_at, dim)
){{options}};
CREATE INDEX tally_recent_read ON tally_recent (brand_id, metric, kind, slot_at);

-- Ids made before sure_at are in tally, those made before fast_at in tally_recent.
CREATE TABLE tally_cursor (
  name VARCHAR(16) NOT NULL PRIMARY KEY,
  sure_at BIGINT NOT NULL,
  fast_at BIGINT NOT NULL
){{options}};

-- What a brand wants to reach in a month (202611).
CREATE TABLE brand_target (
  brand_id BIGINT NOT NULL,
  month INT NOT NULL,
  metric VARCHAR(16) NOT NULL,
  amount BIGINT NOT NULL,
  by_id BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, month, metric)
){{options}};

-- Who said that a brand needs its first steps no more.
CREATE TABLE brand_setup (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  dismissed_at BIGINT NOT NULL,
  by_id BIGINT NOT NULL
){{options}};

-- demo: made by siyu demo, not by people. archived_at: no longer shown.
ALTER TABLE brand ADD COLUMN demo SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE brand ADD COLUMN archived_at BIGINT NOT NULL DEFAULT 0;
