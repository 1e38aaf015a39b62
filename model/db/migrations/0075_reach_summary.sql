-- How many of a brand's people can be reached, as counted last. asked_at: somebody looked.
-- busy_until: a process counts.
CREATE TABLE reach_summary (
  brand_id BIGINT NOT NULL,
  purpose VARCHAR(12) NOT NULL,
  body TEXT NOT NULL,
  asked_at BIGINT NOT NULL,
  as_of BIGINT NOT NULL,
  busy_until BIGINT NOT NULL,
  PRIMARY KEY (brand_id, purpose)
){{options}};
