-- state: draft, published, paused, ended
CREATE TABLE campaign (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  state VARCHAR(12) NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  organiser VARCHAR(100) NOT NULL,
  rules VARCHAR(2000) NOT NULL,
  wishing VARCHAR(60) NOT NULL,
  account_id BIGINT NOT NULL,
  cap_member_day INT NOT NULL,
  cap_member INT NOT NULL,
  cap_total BIGINT NOT NULL,
  codes BIGINT NOT NULL,
  spend_fen BIGINT NOT NULL,
  won_fen BIGINT NOT NULL,
  claimed BIGINT NOT NULL,
  terms TEXT NOT NULL,
  seed {{blob}} NOT NULL,
  seed_hash CHAR(64) NOT NULL,
  seed_revealed VARCHAR(64) NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  published_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
){{options}};
CREATE INDEX campaign_brand ON campaign (brand_id, created_at);
CREATE INDEX campaign_state ON campaign (state, until_at);

-- kind: cash, points, nothing. Ranks [rank_from, rank_from + winners) of the
-- sealed permutation are this tier.
CREATE TABLE campaign_tier (
  campaign_id BIGINT NOT NULL,
  tier INT NOT NULL,
  name VARCHAR(32) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  winners BIGINT NOT NULL,
  rank_from BIGINT NOT NULL,
  min_fen BIGINT NOT NULL,
  max_fen BIGINT NOT NULL,
  total_fen BIGINT NOT NULL,
  points BIGINT NOT NULL,
  text VARCHAR(100) NOT NULL,
  PRIMARY KEY (campaign_id, tier)
){{options}};

-- Serials [from_serial, until_serial) of a batch are draws [draw_from, ...) of the campaign.
CREATE TABLE campaign_scope (
  campaign_id BIGINT NOT NULL,
  seq INT NOT NULL,
  batch_id BIGINT NOT NULL,
  from_serial BIGINT NOT NULL,
  until_serial BIGINT NOT NULL,
  draw_from BIGINT NOT NULL,
  PRIMARY KEY (campaign_id, seq)
){{options}};
CREATE INDEX campaign_scope_batch ON campaign_scope (batch_id);

CREATE TABLE claim (
  id BIGINT NOT NULL PRIMARY KEY,
  batch_id BIGINT NOT NULL,
  serial BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL,
  tier INT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  prize VARCHAR(100) NOT NULL,
  cash_fen BIGINT NOT NULL,
  points BIGINT NOT NULL,
  day INT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT claim_once UNIQUE (batch_id, serial)
){{options}};
CREATE INDEX claim_member ON claim (member_id, created_at);
CREATE INDEX claim_campaign ON claim (campaign_id, created_at);

CREATE TABLE claim_counter (
  counter_key VARCHAR(64) NOT NULL PRIMARY KEY,
  used BIGINT NOT NULL
){{options}};

-- state: pending, sending, accepted, settled, returned, failed
CREATE TABLE payout (
  id BIGINT NOT NULL PRIMARY KEY,
  claim_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  rail VARCHAR(12) NOT NULL,
  app_id VARCHAR(64) NOT NULL,
  openid VARCHAR(64) NOT NULL,
  amount_fen BIGINT NOT NULL,
  bill_no VARCHAR(32) NOT NULL,
  wishing VARCHAR(60) NOT NULL,
  act_name VARCHAR(32) NOT NULL,
  state VARCHAR(12) NOT NULL,
  wait_user SMALLINT NOT NULL,
  wechat_no VARCHAR(64) NOT NULL,
  package_info VARCHAR(1000) NOT NULL,
  code VARCHAR(64) NOT NULL,
  reason VARCHAR(300) NOT NULL,
  attempts INT NOT NULL,
  review SMALLINT NOT NULL,
  created_at BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  CONSTRAINT payout_claim UNIQUE (claim_id),
  CONSTRAINT payout_bill UNIQUE (bill_no)
){{options}};
CREATE INDEX payout_member ON payout (member_id, created_at);
CREATE INDEX payout_state ON payout (state, next_at);
CREATE INDEX payout_campaign ON payout (campaign_id, state);

CREATE TABLE message (
  id BIGINT NOT NULL PRIMARY KEY,
  message_key VARCHAR(64) NOT NULL,
  account_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  text VARCHAR(1000) NOT NULL,
  state VARCHAR(12) NOT NULL,
  code VARCHAR(32) NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  CONSTRAINT message_once UNIQUE (message_key)
){{options}};
