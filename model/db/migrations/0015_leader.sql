-- The programme of a brand's leaders (大C), by version: who may apply, what is asked,
-- levels with their conditions, when candidates are proposed. Rows are never changed.
CREATE TABLE leader_programme (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- What leaders agree to (协议). Rows are never changed; sha256 is of the text.
CREATE TABLE leader_agreement (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  text TEXT NOT NULL,
  sha256 CHAR(64) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- One per brand and member, whatever became of him. States: applied, approved, active,
-- suspended, left, refused. rev makes two operators who decide at once two decisions, of
-- which one is refused. level_month is the month (202611) whose review he has had.
CREATE TABLE leader (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  role VARCHAR(8) NOT NULL,
  state VARCHAR(12) NOT NULL,
  rev INT NOT NULL,
  level INT NOT NULL,
  level_month INT NOT NULL,
  name VARCHAR(32) NOT NULL,
  region VARCHAR(40) NOT NULL,
  community VARCHAR(400) NOT NULL,
  phone_hash VARCHAR(64) NOT NULL,
  shop_name VARCHAR(64) NOT NULL,
  employee_no VARCHAR(32) NOT NULL,
  signed_version INT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  active_at BIGINT NOT NULL,
  may_apply_at BIGINT NOT NULL,
  CONSTRAINT leader_once UNIQUE (brand_id, member_id)
){{options}};
CREATE INDEX leader_member ON leader (member_id);
CREATE INDEX leader_state ON leader (brand_id, state, created_at);
CREATE INDEX leader_list ON leader (brand_id, created_at);
CREATE INDEX leader_review ON leader (state, level_month);
CREATE INDEX leader_phone ON leader (phone_hash);

-- Every move of a state or level: who, when, why. Only added to; told is 0 while the
-- person is to be told of it, 1 when he was, 2 when there is nothing to tell.
CREATE TABLE leader_move (
  id BIGINT NOT NULL PRIMARY KEY,
  leader_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  from_state VARCHAR(12) NOT NULL,
  to_state VARCHAR(12) NOT NULL,
  from_level INT NOT NULL,
  to_level INT NOT NULL,
  by_kind VARCHAR(8) NOT NULL,
  by_id BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  evidence TEXT NOT NULL,
  told SMALLINT NOT NULL,
  at BIGINT NOT NULL
){{options}};
CREATE INDEX leader_move_leader ON leader_move (leader_id, at);
CREATE INDEX leader_move_member ON leader_move (member_id);
CREATE INDEX leader_move_told ON leader_move (told, at);

CREATE TABLE leader_signature (
  leader_id BIGINT NOT NULL,
  version INT NOT NULL,
  member_id BIGINT NOT NULL,
  sha256 CHAR(64) NOT NULL,
  ip_hash VARCHAR(64) NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (leader_id, version)
){{options}};
CREATE INDEX leader_signature_member ON leader_signature (member_id);

-- Verified purchases of members and who had brought them then: what conditions are
-- counted from. kind: claim, order, refund. A refund names its order; either may come
-- first. Rows older than any condition looks back are deleted.
CREATE TABLE leader_fact (
  fact_key VARCHAR(192) NOT NULL PRIMARY KEY,
  order_key VARCHAR(192) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  referrer_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  day INT NOT NULL
){{options}};
CREATE INDEX leader_fact_member ON leader_fact (brand_id, member_id, day);
CREATE INDEX leader_fact_referrer ON leader_fact (brand_id, referrer_id, day);
CREATE INDEX leader_fact_order ON leader_fact (order_key);
CREATE INDEX leader_fact_person ON leader_fact (member_id);
CREATE INDEX leader_fact_day ON leader_fact (day);

-- Members whom the rules propose. States: proposed, invited, dismissed, applied. Not
-- proposed again before again_at.
CREATE TABLE leader_candidate (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  programme_version INT NOT NULL,
  evidence TEXT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  again_at BIGINT NOT NULL,
  CONSTRAINT leader_candidate_once UNIQUE (brand_id, member_id)
){{options}};
CREATE INDEX leader_candidate_member ON leader_candidate (member_id);
CREATE INDEX leader_candidate_state ON leader_candidate (brand_id, state, created_at);

-- How far a nightly computation has come: day is whose, after_id the last member done.
CREATE TABLE leader_run (
  brand_id BIGINT NOT NULL,
  name VARCHAR(16) NOT NULL,
  day INT NOT NULL,
  after_id BIGINT NOT NULL,
  done SMALLINT NOT NULL,
  PRIMARY KEY (brand_id, name)
){{options}};

-- Places among the leaders of a brand, computed every night.
CREATE TABLE leader_rank (
  leader_id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  position INT NOT NULL,
  total INT NOT NULL,
  buyers BIGINT NOT NULL,
  day INT NOT NULL
){{options}};
CREATE INDEX leader_rank_brand ON leader_rank (brand_id);

-- What a brand asks its leaders to do. state: open, closed. levels is JSON; empty: all.
CREATE TABLE leader_task (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  title VARCHAR(60) NOT NULL,
  text VARCHAR(1000) NOT NULL,
  due_day INT NOT NULL,
  levels VARCHAR(200) NOT NULL,
  material_id BIGINT NOT NULL,
  link_url VARCHAR(300) NOT NULL,
  state VARCHAR(8) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};
CREATE INDEX leader_task_brand ON leader_task (brand_id, created_at);

CREATE TABLE leader_done (
  task_id BIGINT NOT NULL,
  leader_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  note VARCHAR(300) NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (task_id, leader_id)
){{options}};
CREATE INDEX leader_done_member ON leader_done (member_id);

-- What leaders may use (素材). kind: welcome, picture, copy. state: active, gone.
CREATE TABLE leader_material (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  title VARCHAR(60) NOT NULL,
  text VARCHAR(2000) NOT NULL,
  picture_url VARCHAR(300) NOT NULL,
  min_level INT NOT NULL,
  state VARCHAR(8) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};
CREATE INDEX leader_material_brand ON leader_material (brand_id, created_at);
