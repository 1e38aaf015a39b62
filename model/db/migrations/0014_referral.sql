-- Who may bring whom to a brand, and for how long. Rows are never changed; the newest
-- counts for what happens next.
CREATE TABLE referral_policy (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- Personal codes. state: open, closed. slot is 0 while open and the row's id afterwards,
-- so a member has one open code per brand and role.
CREATE TABLE referral_code (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  role VARCHAR(8) NOT NULL,
  slot BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  state VARCHAR(8) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT referral_code_once UNIQUE (member_id, brand_id, role, slot)
){{options}};

-- Who was whose referrer, from when to when. state: active, ended, replaced. slot is 0
-- while active and the row's id afterwards: the unique key allows one active referrer.
CREATE TABLE referral_binding (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  slot BIGINT NOT NULL,
  referrer_id BIGINT NOT NULL,
  code_id BIGINT NOT NULL,
  role VARCHAR(8) NOT NULL,
  channel VARCHAR(16) NOT NULL,
  state VARCHAR(8) NOT NULL,
  reason VARCHAR(400) NOT NULL,
  by_id BIGINT NOT NULL,
  consented SMALLINT NOT NULL,
  bound_at BIGINT NOT NULL,
  protected_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_reason VARCHAR(400) NOT NULL,
  ended_by BIGINT NOT NULL,
  ip_hash VARCHAR(64) NOT NULL,
  device_hash VARCHAR(64) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT referral_binding_once UNIQUE (member_id, brand_id, slot)
){{options}};
CREATE INDEX referral_binding_referrer ON referral_binding (referrer_id, brand_id, slot, bound_at);
CREATE INDEX referral_binding_code ON referral_binding (code_id);
CREATE INDEX referral_binding_expiry ON referral_binding (slot, expires_at);
CREATE INDEX referral_binding_new ON referral_binding (brand_id, created_at);

-- Everybody who brought somebody or was brought. parent_id is the truth; path is made of
-- the ids of the brand, of all above and his own, eleven symbols each, so that those below
-- one are one range and those above one stand in his own row. Counters of the
-- team are of all below him and without him.
--
-- No key begins with brand_id: a brand is most of the table, and MariaDB has preferred to
-- read all of it by the first column of a key to looking up a few members by two.
CREATE TABLE referral_node (
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  parent_id BIGINT NOT NULL,
  path VARCHAR(720) NOT NULL,
  depth INT NOT NULL,
  levels INT NOT NULL,
  direct BIGINT NOT NULL,
  team_size BIGINT NOT NULL,
  active BIGINT NOT NULL,
  team_scans BIGINT NOT NULL,
  team_claims BIGINT NOT NULL,
  team_orders BIGINT NOT NULL,
  team_sales_fen BIGINT NOT NULL,
  own_scans BIGINT NOT NULL,
  own_claims BIGINT NOT NULL,
  own_orders BIGINT NOT NULL,
  own_sales_fen BIGINT NOT NULL,
  live SMALLINT NOT NULL,
  last_active_at BIGINT NOT NULL,
  joined_at BIGINT NOT NULL,
  PRIMARY KEY (member_id, brand_id),
  CONSTRAINT referral_node_path UNIQUE (path)
){{options}};
CREATE INDEX referral_node_children ON referral_node (parent_id, brand_id, team_size, member_id);

-- One row per brand. Whoever changes the brand's trees or their counters locks it first.
-- check_path is how far the check of the counters is, from the last path to the first;
-- the rest says what it found.
CREATE TABLE referral_tree (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  check_state VARCHAR(8) NOT NULL,
  check_path VARCHAR(720) NOT NULL,
  check_started_at BIGINT NOT NULL,
  check_finished_at BIGINT NOT NULL,
  checked BIGINT NOT NULL,
  repaired BIGINT NOT NULL,
  misplaced BIGINT NOT NULL
){{options}};

-- What a check found wrong and put right: the counters as they were and as they are, JSON.
CREATE TABLE referral_repair (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  was TEXT NOT NULL,
  put TEXT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX referral_repair_brand ON referral_repair (brand_id, created_at);

-- Events that were counted, so that each counts once. Old rows are deleted.
CREATE TABLE referral_fact (
  event_key VARCHAR(96) NOT NULL PRIMARY KEY,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX referral_fact_old ON referral_fact (created_at);

-- Lists of everybody under somebody, made in the background. state: waiting, ready,
-- expired. after_path is how far it is, below the path of the root.
CREATE TABLE referral_export (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  state VARCHAR(8) NOT NULL,
  total BIGINT NOT NULL,
  done BIGINT NOT NULL,
  parts INT NOT NULL,
  after_path VARCHAR(720) NOT NULL,
  reason VARCHAR(400) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
){{options}};
CREATE INDEX referral_export_brand ON referral_export (brand_id, created_at);
CREATE INDEX referral_export_expiry ON referral_export (state, expires_at);
CREATE TABLE referral_export_part (
  export_id BIGINT NOT NULL,
  part INT NOT NULL,
  body {{blob}} NOT NULL,
  PRIMARY KEY (export_id, part)
){{options}};
