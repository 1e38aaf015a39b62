-- What a brand calls suspicious; a row of its own only once it differs from the default.
CREATE TABLE fraud_policy (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  body TEXT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};

-- How each referral came about: keyed hashes, never an address or a device number.
CREATE TABLE fraud_trace (
  binding_id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  referrer_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  role VARCHAR(8) NOT NULL,
  device_hash VARCHAR(64) NOT NULL,
  ip_hash VARCHAR(64) NOT NULL,
  newcomer SMALLINT NOT NULL,
  at BIGINT NOT NULL
){{options}};
CREATE INDEX fraud_trace_referrer ON fraud_trace (brand_id, referrer_id, at);
CREATE INDEX fraud_trace_device ON fraud_trace (brand_id, referrer_id, device_hash);
CREATE INDEX fraud_trace_member ON fraud_trace (member_id);

CREATE TABLE fraud_device (
  device_hash VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (device_hash, member_id)
){{options}};
CREATE INDEX fraud_device_member ON fraud_device (member_id);

-- state: open, cleared, confirmed. case_key names the fact and the round, so that two
-- processes that see the same open one case.
CREATE TABLE fraud_case (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  referrer_id BIGINT NOT NULL,
  role VARCHAR(8) NOT NULL,
  detail VARCHAR(80) NOT NULL,
  case_key VARCHAR(160) NOT NULL,
  state VARCHAR(12) NOT NULL,
  evidence TEXT NOT NULL,
  people INT NOT NULL,
  opened_at BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  reason VARCHAR(300) NOT NULL,
  CONSTRAINT fraud_case_once UNIQUE (case_key)
){{options}};
CREATE INDEX fraud_case_brand ON fraud_case (brand_id, state, opened_at);
CREATE INDEX fraud_case_referrer ON fraud_case (referrer_id, state);

CREATE TABLE fraud_case_member (
  case_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  binding_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (case_id, member_id)
){{options}};
CREATE INDEX fraud_case_member_of ON fraud_case_member (member_id);
