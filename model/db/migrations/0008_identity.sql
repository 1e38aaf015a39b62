-- version only grows: the row of a component's root is what its writers queue at.
ALTER TABLE person ADD COLUMN version BIGINT NOT NULL DEFAULT 0;

-- event: how the key came to be known. seen_at: last use, to the day.
ALTER TABLE identity_key ADD COLUMN event VARCHAR(24) NOT NULL DEFAULT 'wechat_login';
ALTER TABLE identity_key ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;

-- Kinds of key that a brand declared, and changed maxima of the built-in ones.
-- scope_rule: none, app, corp, source
CREATE TABLE identity_kind (
  kind VARCHAR(16) NOT NULL PRIMARY KEY,
  title VARCHAR(32) NOT NULL,
  strong SMALLINT NOT NULL,
  most INT NOT NULL,
  scope_rule VARCHAR(8) NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};

-- Evidence, never changed: one event saw a key together with another key, or alone
-- (other_kind = '') with the person. A row with revokes <> 0 takes an earlier one back.
-- key_no is a hash of kind, scope and value: an index over the texts would be larger
-- than the table.
CREATE TABLE identity_edge (
  id BIGINT NOT NULL PRIMARY KEY,
  person_id BIGINT NOT NULL,
  key_no BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  value VARCHAR(128) NOT NULL,
  other_kind VARCHAR(16) NOT NULL,
  other_scope VARCHAR(64) NOT NULL,
  other_value VARCHAR(128) NOT NULL,
  event VARCHAR(24) NOT NULL,
  strong SMALLINT NOT NULL,
  at BIGINT NOT NULL,
  actor_id BIGINT NOT NULL,
  channel VARCHAR(16) NOT NULL,
  consent_id BIGINT NOT NULL,
  ref_id BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  revokes BIGINT NOT NULL
){{options}};
CREATE INDEX identity_edge_person ON identity_edge (person_id, at);
CREATE INDEX identity_edge_key ON identity_edge (key_no, at);

-- A key named two persons who are never joined silently. low_id < high_id.
-- state: open, merged, refused
CREATE TABLE identity_review (
  id BIGINT NOT NULL PRIMARY KEY,
  low_id BIGINT NOT NULL,
  high_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  value VARCHAR(128) NOT NULL,
  event VARCHAR(24) NOT NULL,
  rule VARCHAR(24) NOT NULL,
  confidence INT NOT NULL,
  actor_id BIGINT NOT NULL,
  channel VARCHAR(16) NOT NULL,
  consent_id BIGINT NOT NULL,
  ref_id BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  state VARCHAR(8) NOT NULL,
  created_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  reason VARCHAR(500) NOT NULL,
  merge_id BIGINT NOT NULL,
  CONSTRAINT identity_review_once UNIQUE (low_id, high_id)
){{options}};
CREATE INDEX identity_review_state ON identity_review (state, created_at);
CREATE INDEX identity_review_high ON identity_review (high_id);

-- Two persons who count as one. state: merged, undone. Components are what the merged
-- rows join; person.root_id is derived from them.
CREATE TABLE identity_merge (
  id BIGINT NOT NULL PRIMARY KEY,
  person_id BIGINT NOT NULL,
  other_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  value VARCHAR(128) NOT NULL,
  event VARCHAR(24) NOT NULL,
  rule VARCHAR(24) NOT NULL,
  confidence INT NOT NULL,
  actor_id BIGINT NOT NULL,
  channel VARCHAR(16) NOT NULL,
  consent_id BIGINT NOT NULL,
  ref_id BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  state VARCHAR(8) NOT NULL,
  created_at BIGINT NOT NULL,
  undone_at BIGINT NOT NULL,
  undone_by BIGINT NOT NULL,
  reason VARCHAR(500) NOT NULL
){{options}};
CREATE INDEX identity_merge_person ON identity_merge (person_id);
CREATE INDEX identity_merge_other ON identity_merge (other_id);
CREATE INDEX identity_merge_created ON identity_merge (created_at);

-- Keys that many people share (the phone of a front desk): they join nobody.
-- made_by 0: found by the program.
CREATE TABLE identity_blocked (
  id BIGINT NOT NULL PRIMARY KEY,
  kind VARCHAR(16) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  value VARCHAR(128) NOT NULL,
  reason VARCHAR(200) NOT NULL,
  made_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT identity_blocked_once UNIQUE (kind, scope, value)
){{options}};

-- What used to be kept as a disagreement is a review that is open. Numbers below a
-- million are no ids of the program's, so none is taken twice.
INSERT INTO identity_review (id, low_id, high_id, kind, scope, value, event, rule, confidence, actor_id, channel, consent_id, ref_id, note,
  state, created_at, decided_at, decided_by, reason, merge_id)
SELECT ROW_NUMBER() OVER (ORDER BY MIN(seen_at), MIN(person_id), MIN(other_person_id)),
  CASE WHEN person_id < other_person_id THEN person_id ELSE other_person_id END,
  CASE WHEN person_id < other_person_id THEN other_person_id ELSE person_id END,
  'unionid', '', '', 'wechat_login', 'two_accounts', 70, 0, 'wechat', 0, 0, '', 'open', MIN(seen_at), 0, 0, '', 0
FROM identity_disagreement
GROUP BY CASE WHEN person_id < other_person_id THEN person_id ELSE other_person_id END,
  CASE WHEN person_id < other_person_id THEN other_person_id ELSE person_id END;
DROP TABLE identity_disagreement;

-- The back office lists members newest first.
CREATE INDEX member_created ON member (created_at, id);
