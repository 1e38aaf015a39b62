CREATE TABLE person (
  id BIGINT NOT NULL PRIMARY KEY,
  created_at BIGINT NOT NULL
){{options}};

-- kind: openid (scope = appid), unionid (scope = open platform or '')
CREATE TABLE identity_key (
  kind VARCHAR(16) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  value VARCHAR(128) NOT NULL,
  person_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (kind, scope, value)
){{options}};
CREATE INDEX identity_person ON identity_key (person_id);

-- One login named two persons. They are never joined silently; a person decides.
CREATE TABLE identity_disagreement (
  person_id BIGINT NOT NULL,
  other_person_id BIGINT NOT NULL,
  app_id VARCHAR(64) NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (person_id, other_person_id)
){{options}};
CREATE INDEX identity_disagreement_seen ON identity_disagreement (seen_at);

CREATE TABLE member (
  id BIGINT NOT NULL PRIMARY KEY,
  person_id BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT member_person UNIQUE (person_id)
){{options}};

CREATE TABLE consent (
  id BIGINT NOT NULL PRIMARY KEY,
  member_id BIGINT NOT NULL,
  purpose VARCHAR(32) NOT NULL,
  policy_version VARCHAR(16) NOT NULL,
  given SMALLINT NOT NULL,
  channel VARCHAR(16) NOT NULL,
  at BIGINT NOT NULL
){{options}};
CREATE INDEX consent_member ON consent (member_id, purpose, at);

CREATE TABLE follower (
  account_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  following SMALLINT NOT NULL,
  scene VARCHAR(64) NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, openid)
){{options}};

-- Everything seen of a code. Place is coarse (province, city) unless the member
-- agreed to the exact one. window_no is the time in units of ten minutes: two reloads
-- that race inside one cannot both be stored.
CREATE TABLE scan (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  serial BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  visitor VARCHAR(32) NOT NULL,
  window_no BIGINT NOT NULL,
  verdict VARCHAR(24) NOT NULL,
  province VARCHAR(32) NOT NULL,
  city VARCHAR(32) NOT NULL,
  exact_place VARCHAR(40) NOT NULL,
  ip VARCHAR(45) NOT NULL,
  user_agent VARCHAR(200) NOT NULL,
  at BIGINT NOT NULL,
  CONSTRAINT scan_once UNIQUE (batch_id, serial, visitor, window_no)
){{options}};
CREATE INDEX scan_member ON scan (member_id, at);

-- One row per code that was ever seen while it was on sale: what the verdict needs,
-- in one read. scans counts members' scans, others those by members who are not the
-- first, anonymous the rest (previews, crawlers, other apps), which never count.
CREATE TABLE code_sight (
  batch_id BIGINT NOT NULL,
  serial BIGINT NOT NULL,
  first_member BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  first_city VARCHAR(32) NOT NULL,
  scans BIGINT NOT NULL,
  others BIGINT NOT NULL,
  anonymous BIGINT NOT NULL,
  last_member BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  last_city VARCHAR(32) NOT NULL,
  last_lat_e4 INT NOT NULL,
  last_lon_e4 INT NOT NULL,
  flagged_at BIGINT NOT NULL,
  flag_reason VARCHAR(64) NOT NULL,
  PRIMARY KEY (batch_id, serial)
){{options}};
CREATE INDEX code_sight_flagged ON code_sight (flagged_at);

-- What people say about a code they hold (举报).
CREATE TABLE report (
  id BIGINT NOT NULL PRIMARY KEY,
  batch_id BIGINT NOT NULL,
  serial BIGINT NOT NULL,
  token_text VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  note VARCHAR(500) NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
