-- What happened to members, one row per fact. event_key is made from the fact and keeps
-- it from being stored twice. A row without a member is one whose person was erased.
CREATE TABLE event (
  id BIGINT NOT NULL PRIMARY KEY,
  event_key VARCHAR(96) NOT NULL,
  type VARCHAR(16) NOT NULL,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  channel VARCHAR(16) NOT NULL,
  at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  body {{blob}} NOT NULL,
  CONSTRAINT event_once UNIQUE (event_key)
){{options}};
CREATE INDEX event_member ON event (member_id, at);

-- Events that were stored together and that not all consumers have had: their ids, eight
-- bytes each, and the names of the consumers that are done. Gone when all are.
CREATE TABLE event_batch (
  id BIGINT NOT NULL PRIMARY KEY,
  events {{blob}} NOT NULL,
  done VARCHAR(300) NOT NULL,
  created_at BIGINT NOT NULL
){{options}};

-- What a partner sent and what could not be stored, sealed. state: waiting, replayed,
-- discarded.
CREATE TABLE event_dead (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  api_key_id BIGINT NOT NULL,
  event_key VARCHAR(96) NOT NULL,
  raw {{blob}} NOT NULL,
  code VARCHAR(48) NOT NULL,
  reason VARCHAR(300) NOT NULL,
  state VARCHAR(12) NOT NULL,
  created_at BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  CONSTRAINT event_dead_once UNIQUE (api_key_id, event_key)
){{options}};
CREATE INDEX event_dead_brand ON event_dead (brand_id, created_at);
CREATE INDEX event_dead_state ON event_dead (state, created_at);

-- How far rows of other contexts have become events. Ids hold their time: rows made
-- before fast_at were looked at once, rows made before sure_at a second time, when no
-- transaction could bring one late any more. Instants.
CREATE TABLE event_source (
  name VARCHAR(16) NOT NULL PRIMARY KEY,
  fast_at BIGINT NOT NULL,
  sure_at BIGINT NOT NULL,
  lease_owner BIGINT NOT NULL,
  lease_until BIGINT NOT NULL
){{options}};

-- One line per product of one claim or order, for members who allow profiling. ref is
-- the order it belongs to, so that a refund finds what it takes back.
CREATE TABLE purchase (
  member_id BIGINT NOT NULL,
  event_id BIGINT NOT NULL,
  line INT NOT NULL,
  brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  source VARCHAR(8) NOT NULL,
  ref VARCHAR(96) NOT NULL,
  quantity BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (member_id, event_id, line)
){{options}};

-- Whose purchases are kept: allowed 1, or 0 after he took his agreement back. Everybody
-- who writes or deletes purchases of a member holds this row.
CREATE TABLE purchase_state (
  member_id BIGINT NOT NULL PRIMARY KEY,
  allowed SMALLINT NOT NULL,
  version BIGINT NOT NULL
){{options}};

-- A partner's key. Both secrets are sealed; the older one is good until old_until.
-- state: active, revoked.
CREATE TABLE api_key (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  access VARCHAR(32) NOT NULL,
  permissions VARCHAR(200) NOT NULL,
  person_kinds VARCHAR(500) NOT NULL,
  per_minute INT NOT NULL,
  state VARCHAR(12) NOT NULL,
  secret {{blob}} NOT NULL,
  old_secret {{blob}} NOT NULL,
  old_until BIGINT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  CONSTRAINT api_key_access UNIQUE (access)
){{options}};
CREATE INDEX api_key_brand ON api_key (brand_id, created_at);
