-- A brand's numbers for its communities; a row of its own only once they differ from the
-- defaults.
CREATE TABLE group_policy (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};

-- A WeChat group or a WeCom customer group (社群). size is who was in it when that was
-- last told (size_at, 0 = never); pending is how many were sent to it since. Nobody is
-- sent once size + pending reaches scan_capacity. qr is the text of its join code.
-- state: open, full, expired, closed; closed_by: leader, office, auto. chat_key is unique: brand:chat for WeCom, else -id.
CREATE TABLE community (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  leader_id BIGINT NOT NULL,
  leader_member_id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  chat_key VARCHAR(96) NOT NULL,
  name VARCHAR(64) NOT NULL,
  owner_name VARCHAR(64) NOT NULL,
  province VARCHAR(32) NOT NULL,
  city VARCHAR(32) NOT NULL,
  size INT NOT NULL,
  size_at BIGINT NOT NULL,
  capacity INT NOT NULL,
  scan_capacity INT NOT NULL,
  pending INT NOT NULL,
  fill_round INT NOT NULL,
  qr VARCHAR(255) NOT NULL,
  qr_at BIGINT NOT NULL,
  qr_expires_at BIGINT NOT NULL,
  state VARCHAR(8) NOT NULL,
  reason VARCHAR(100) NOT NULL,
  closed_by VARCHAR(8) NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CONSTRAINT community_once UNIQUE (chat_key)
){{options}};
CREATE INDEX community_brand ON community (brand_id, created_at);
CREATE INDEX community_leader ON community (leader_id, created_at);
CREATE INDEX community_person ON community (leader_member_id);
CREATE INDEX community_due ON community (state, qr_expires_at);
CREATE INDEX community_qr ON community (brand_id, qr);

-- What a new community starts with (社群模板), and the copy each clone keeps.
CREATE TABLE community_template (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  welcome TEXT NOT NULL,
  materials TEXT NOT NULL,
  tasks TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};
CREATE INDEX community_template_brand ON community_template (brand_id, created_at);

CREATE TABLE community_kit (
  community_id BIGINT NOT NULL PRIMARY KEY,
  template_id BIGINT NOT NULL,
  welcome TEXT NOT NULL,
  materials TEXT NOT NULL,
  tasks TEXT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};

-- A live code (活码): one printed QR for ever. strategy: fill (one after another) or
-- spread (evenly). state: live, paused. dead_round grows when a target comes back, so
-- that being without any target is one fact each time. waiting counts dropped targets
-- that nobody took over from yet.
CREATE TABLE live_code (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  token VARCHAR(20) NOT NULL,
  strategy VARCHAR(8) NOT NULL,
  region_first SMALLINT NOT NULL,
  leader_id BIGINT NOT NULL,
  province VARCHAR(32) NOT NULL,
  city VARCHAR(32) NOT NULL,
  fallback_text VARCHAR(300) NOT NULL,
  fallback_qr VARCHAR(255) NOT NULL,
  state VARCHAR(8) NOT NULL,
  dead_round INT NOT NULL,
  waiting INT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CONSTRAINT live_code_token UNIQUE (token)
){{options}};
CREATE INDEX live_code_brand ON live_code (brand_id, created_at);

-- max_handed 0 is no limit of its own. state: live, dropped.
CREATE TABLE live_target (
  id BIGINT NOT NULL PRIMARY KEY,
  live_code_id BIGINT NOT NULL,
  community_id BIGINT NOT NULL,
  place_no INT NOT NULL,
  max_handed INT NOT NULL,
  handed INT NOT NULL,
  state VARCHAR(8) NOT NULL,
  CONSTRAINT live_target_once UNIQUE (live_code_id, community_id)
){{options}};
CREATE INDEX live_target_community ON live_target (community_id);

-- Where each visitor of a code is sent: one row a visitor, which moves when its
-- community dies.
CREATE TABLE live_place (
  id BIGINT NOT NULL PRIMARY KEY,
  live_code_id BIGINT NOT NULL,
  visitor VARCHAR(48) NOT NULL,
  member_id BIGINT NOT NULL,
  community_id BIGINT NOT NULL,
  handed_at BIGINT NOT NULL,
  CONSTRAINT live_place_once UNIQUE (live_code_id, visitor)
){{options}};
CREATE INDEX live_place_community ON live_place (community_id, handed_at);
CREATE INDEX live_place_member ON live_place (member_id);

-- Every place that was ever handed out.
CREATE TABLE live_hand (
  id BIGINT NOT NULL PRIMARY KEY,
  live_code_id BIGINT NOT NULL,
  community_id BIGINT NOT NULL,
  visitor VARCHAR(48) NOT NULL,
  member_id BIGINT NOT NULL,
  from_id BIGINT NOT NULL,
  at BIGINT NOT NULL
){{options}};
CREATE INDEX live_hand_code ON live_hand (live_code_id, at);
CREATE INDEX live_hand_member ON live_hand (member_id);

-- Who found no living target, once an hour.
CREATE TABLE live_dead (
  live_code_id BIGINT NOT NULL,
  hour_at BIGINT NOT NULL,
  visitor VARCHAR(48) NOT NULL,
  member_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (live_code_id, hour_at, visitor)
){{options}};
CREATE INDEX live_dead_member ON live_dead (member_id);

-- kind: dropped (cause: full, limit, expired, closed, ...), revived. next_id took over.
CREATE TABLE live_switch (
  id BIGINT NOT NULL PRIMARY KEY,
  live_code_id BIGINT NOT NULL,
  community_id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  cause VARCHAR(12) NOT NULL,
  next_id BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX live_switch_code ON live_switch (live_code_id, created_at);

-- alarm_key names the fact, so that it is told once. state: open, done.
CREATE TABLE community_alarm (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  leader_id BIGINT NOT NULL,
  community_id BIGINT NOT NULL,
  live_code_id BIGINT NOT NULL,
  kind VARCHAR(12) NOT NULL,
  alarm_key VARCHAR(64) NOT NULL,
  text VARCHAR(300) NOT NULL,
  state VARCHAR(8) NOT NULL,
  by_id BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL,
  CONSTRAINT community_alarm_once UNIQUE (alarm_key)
){{options}};
CREATE INDEX community_alarm_brand ON community_alarm (brand_id, state, created_at);
CREATE INDEX community_alarm_leader ON community_alarm (leader_id, state, created_at);
CREATE INDEX community_alarm_community ON community_alarm (community_id, state);
