-- What a member earned with one brand. The amounts equal the accounts of the ledger
-- whose owner is this row's id; who moves them holds the row.
CREATE TABLE commission_account (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  accrued_fen BIGINT NOT NULL,
  available_fen BIGINT NOT NULL,
  held_fen BIGINT NOT NULL,
  owed_fen BIGINT NOT NULL,
  paid_fen BIGINT NOT NULL,
  tax_fen BIGINT NOT NULL,
  moves BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT commission_account_once UNIQUE (brand_id, member_id)
){{options}};
CREATE INDEX commission_account_member ON commission_account (member_id);

-- What a payout is for, and the scene it is sent under, fixed with its bill number.
-- purpose: claim, withdrawal; claim_id is the id of what it is for.
ALTER TABLE payout ADD COLUMN purpose VARCHAR(12) NOT NULL DEFAULT 'claim';
ALTER TABLE payout ADD COLUMN scene_id VARCHAR(36) NOT NULL DEFAULT '';
ALTER TABLE payout ADD COLUMN reports VARCHAR(1000) NOT NULL DEFAULT '';

-- Terms of a brand's withdrawals. Rows are never changed; the newest version counts.
CREATE TABLE withdrawal_policy (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- state: requested, approved, paid, refused, cancelled, returned, failed. amount_fen is
-- before tax; payout_id is 0 until it is approved.
CREATE TABLE withdrawal (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  request_key VARCHAR(64) NOT NULL,
  amount_fen BIGINT NOT NULL,
  tax_fen BIGINT NOT NULL,
  tax_note VARCHAR(200) NOT NULL,
  state VARCHAR(12) NOT NULL,
  reason VARCHAR(200) NOT NULL,
  account_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  payout_id BIGINT NOT NULL,
  by_id BIGINT NOT NULL,
  day INT NOT NULL,
  created_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  CONSTRAINT withdrawal_once UNIQUE (member_id, request_key)
){{options}};
CREATE INDEX withdrawal_brand ON withdrawal (brand_id, state, id);
CREATE INDEX withdrawal_member ON withdrawal (member_id, brand_id, day);
CREATE INDEX withdrawal_finished ON withdrawal (brand_id, finished_at);

-- From which accounts a withdrawal took what.
CREATE TABLE withdrawal_part (
  withdrawal_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  tax_fen BIGINT NOT NULL,
  PRIMARY KEY (withdrawal_id, account_id)
){{options}};

-- What happened to it and by whom (0: the person himself, or WeChat).
CREATE TABLE withdrawal_move (
  id BIGINT NOT NULL PRIMARY KEY,
  withdrawal_id BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  by_id BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX withdrawal_move_of ON withdrawal_move (withdrawal_id, id);
