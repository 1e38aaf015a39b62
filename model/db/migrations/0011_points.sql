-- Rules of a brand: how points are earned and when they expire. Rows are never changed;
-- the newest that was there when points were earned is theirs.
CREATE TABLE points_rule (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- What serialises the moves of one member, and up to when his ledger entries are lots.
CREATE TABLE points_account (
  member_id BIGINT NOT NULL PRIMARY KEY,
  moves BIGINT NOT NULL,
  folded_at BIGINT NOT NULL
){{options}};

-- Points that were earned together and end together. source is the key of the ledger
-- entry that brought them. live is 0 when nothing of the lot is left; due_at is when time
-- does something to it next.
CREATE TABLE points_lot (
  id BIGINT NOT NULL PRIMARY KEY,
  source VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  available BIGINT NOT NULL,
  pending BIGINT NOT NULL,
  frozen BIGINT NOT NULL,
  expired BIGINT NOT NULL,
  live SMALLINT NOT NULL,
  earned_at BIGINT NOT NULL,
  release_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  CONSTRAINT points_lot_once UNIQUE (source)
){{options}};
CREATE INDEX points_lot_member ON points_lot (member_id, live, expires_at);
CREATE INDEX points_lot_due ON points_lot (due_at);
CREATE INDEX points_lot_brand ON points_lot (brand_id, live, expires_at);

-- What a fact earned by rule. A refund is a row of its own that earned nothing, with a
-- negative amount and the key of its order: it may be reported before the order.
CREATE TABLE points_earning (
  id BIGINT NOT NULL PRIMARY KEY,
  fact_key VARCHAR(128) NOT NULL,
  parent_key VARCHAR(128) NOT NULL,
  amount_fen BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  earn_on VARCHAR(16) NOT NULL,
  points BIGINT NOT NULL,
  day INT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT points_earning_once UNIQUE (fact_key)
){{options}};
CREATE INDEX points_earning_member ON points_earning (member_id, earn_on, day);
CREATE INDEX points_earning_parent ON points_earning (parent_key);

-- kind: spend, unspend (of ref_id), reverse (of the lot ref_id), hold, unhold (of ref_id).
-- back is how much of it was given back.
CREATE TABLE points_move (
  id BIGINT NOT NULL PRIMARY KEY,
  kind VARCHAR(8) NOT NULL,
  move_key VARCHAR(128) NOT NULL,
  member_id BIGINT NOT NULL,
  ref_id BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  back BIGINT NOT NULL,
  memo VARCHAR(200) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT points_move_once UNIQUE (kind, move_key)
){{options}};
CREATE INDEX points_move_member ON points_move (member_id, kind, created_at);
CREATE INDEX points_move_ref ON points_move (ref_id);

-- Which lots a spend or a hold took from.
CREATE TABLE points_part (
  move_id BIGINT NOT NULL,
  lot_id BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  back BIGINT NOT NULL,
  PRIMARY KEY (move_id, lot_id)
){{options}};

-- Points that one member of a family spent out of another's lot. Nothing is owed within
-- a family; when it parts, what is left of the loan goes back.
CREATE TABLE points_loan (
  borrower_lot BIGINT NOT NULL PRIMARY KEY,
  lender_lot BIGINT NOT NULL,
  borrower_id BIGINT NOT NULL,
  lender_id BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  outstanding BIGINT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX points_loan_open ON points_loan (outstanding);

-- state: requested, booked, refused
CREATE TABLE points_adjustment (
  id BIGINT NOT NULL PRIMARY KEY,
  member_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  points BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  state VARCHAR(12) NOT NULL,
  by_id BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  day INT NOT NULL,
  created_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL
){{options}};
CREATE INDEX points_adjustment_state ON points_adjustment (state, created_at);
CREATE INDEX points_adjustment_member ON points_adjustment (member_id, day);

-- Who was told of which expiry.
CREATE TABLE points_warning (
  member_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  points BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (member_id, brand_id, expires_at)
){{options}};

-- How far a daily round over all members came.
CREATE TABLE points_round (
  name VARCHAR(32) NOT NULL PRIMARY KEY,
  day INT NOT NULL,
  after_id BIGINT NOT NULL,
  lease_until BIGINT NOT NULL
){{options}};

-- Levels of a brand. Rows are never changed; the newest version counts.
CREATE TABLE tier_table (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- Growth (成长值): rows are never changed; a correction is a row of the opposite amount.
-- A refund that came before its order has growth 0 and is taken off when the order comes.
CREATE TABLE tier_growth (
  id BIGINT NOT NULL PRIMARY KEY,
  growth_key VARCHAR(128) NOT NULL,
  parent_key VARCHAR(128) NOT NULL,
  amount_fen BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  grown_on VARCHAR(16) NOT NULL,
  growth BIGINT NOT NULL,
  memo VARCHAR(100) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT tier_growth_once UNIQUE (growth_key)
){{options}};
CREATE INDEX tier_growth_member ON tier_growth (member_id, brand_id, created_at);
CREATE INDEX tier_growth_brand ON tier_growth (brand_id, created_at);
CREATE INDEX tier_growth_parent ON tier_growth (parent_key);

-- What the growth of a member's human came to when it was last computed: it finds whose
-- period ends, and is never what somebody is told.
CREATE TABLE tier_standing (
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  level INT NOT NULL,
  until_at BIGINT NOT NULL,
  warned_until BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (brand_id, member_id)
){{options}};
CREATE INDEX tier_standing_member ON tier_standing (member_id);
CREATE INDEX tier_standing_until ON tier_standing (until_at);
