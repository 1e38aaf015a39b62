-- Lists of payouts: newest first, by state, what a person must look at; and of
-- an account by when they last moved, which is how days are reconciled.
CREATE INDEX payout_time ON payout (created_at);
CREATE INDEX payout_brand_state ON payout (brand_id, state, created_at);
CREATE INDEX payout_review_at ON payout (review, created_at);
CREATE INDEX payout_account ON payout (account_id, moved_at);

-- One day of one merchant account against WeChat's bill. state: waiting, matching, done,
-- failed. source: bill, query. gen is the generation of lines that counts (0: none yet),
-- next_gen the last one begun; asked counts what was asked of WeChat one by one.
CREATE TABLE recon_day (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  day INT NOT NULL,
  state VARCHAR(10) NOT NULL,
  source VARCHAR(8) NOT NULL,
  gen INT NOT NULL,
  next_gen INT NOT NULL,
  total_lines BIGINT NOT NULL,
  done_lines BIGINT NOT NULL,
  sha1 VARCHAR(40) NOT NULL,
  in_fen BIGINT NOT NULL,
  out_fen BIGINT NOT NULL,
  opening_fen BIGINT NOT NULL,
  closing_fen BIGINT NOT NULL,
  proof VARCHAR(8) NOT NULL,
  matched BIGINT NOT NULL,
  matched_fen BIGINT NOT NULL,
  returned BIGINT NOT NULL,
  returned_fen BIGINT NOT NULL,
  other_lines BIGINT NOT NULL,
  other_in_fen BIGINT NOT NULL,
  other_out_fen BIGINT NOT NULL,
  error VARCHAR(300) NOT NULL,
  created_at BIGINT NOT NULL,
  asked_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  CONSTRAINT recon_day_once UNIQUE (account_id, day)
){{options}};
CREATE INDEX recon_day_list ON recon_day (brand_id, day);
CREATE INDEX recon_day_time ON recon_day (day);

-- One line of a bill, or one answer of WeChat (said). amount_fen: in > 0. result: matched,
-- returned, differs, only_wechat, other, unclear.
CREATE TABLE recon_line (
  day_id BIGINT NOT NULL,
  gen INT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  wechat_no VARCHAR(64) NOT NULL,
  flow_no VARCHAR(64) NOT NULL,
  business VARCHAR(64) NOT NULL,
  kind VARCHAR(64) NOT NULL,
  amount_fen BIGINT NOT NULL,
  balance_fen BIGINT NOT NULL,
  memo VARCHAR(200) NOT NULL,
  voucher VARCHAR(64) NOT NULL,
  said VARCHAR(12) NOT NULL,
  payout_id BIGINT NOT NULL,
  result VARCHAR(12) NOT NULL,
  PRIMARY KEY (day_id, gen, seq)
){{options}};
CREATE INDEX recon_line_payout ON recon_line (payout_id);
CREATE INDEX recon_line_result ON recon_line (day_id, gen, result, seq);

-- One difference. kind: amount, only_wechat, only_ours, no_return, state, double. state:
-- open, explained, resolved.
CREATE TABLE recon_item (
  id BIGINT NOT NULL PRIMARY KEY,
  item_key VARCHAR(96) NOT NULL,
  brand_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  day INT NOT NULL,
  kind VARCHAR(12) NOT NULL,
  state VARCHAR(10) NOT NULL,
  payout_id BIGINT NOT NULL,
  bill_no VARCHAR(64) NOT NULL,
  wechat_no VARCHAR(64) NOT NULL,
  flow_no VARCHAR(64) NOT NULL,
  ours_fen BIGINT NOT NULL,
  wechat_fen BIGINT NOT NULL,
  ours_state VARCHAR(12) NOT NULL,
  note VARCHAR(200) NOT NULL,
  since BIGINT NOT NULL,
  reason VARCHAR(300) NOT NULL,
  by_id BIGINT NOT NULL,
  by_login VARCHAR(64) NOT NULL,
  explained_at BIGINT NOT NULL,
  resolved_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CONSTRAINT recon_item_once UNIQUE (item_key)
){{options}};
CREATE INDEX recon_item_state ON recon_item (state, created_at);
CREATE INDEX recon_item_account ON recon_item (account_id, day, state);
CREATE INDEX recon_item_payout ON recon_item (payout_id);

-- Money on a merchant account: as WeChat says, or as an operator last saw it.
CREATE TABLE merchant_balance (
  account_id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  source VARCHAR(10) NOT NULL,
  available_fen BIGINT NOT NULL,
  as_of BIGINT NOT NULL,
  error VARCHAR(200) NOT NULL,
  kept_fen BIGINT NOT NULL,
  kept_at BIGINT NOT NULL,
  kept_by VARCHAR(64) NOT NULL,
  alarm_fen BIGINT NOT NULL,
  low SMALLINT NOT NULL,
  low_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};

-- What was paid on a day, for finance: of payouts that ended on it.
CREATE TABLE payout_day (
  day INT NOT NULL,
  account_id BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL,
  purpose VARCHAR(12) NOT NULL,
  rail VARCHAR(12) NOT NULL,
  state VARCHAR(12) NOT NULL,
  brand_id BIGINT NOT NULL,
  payouts BIGINT NOT NULL,
  sum_fen BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (day, account_id, campaign_id, purpose, rail, state)
){{options}};
CREATE INDEX payout_day_brand ON payout_day (brand_id, day);

-- The trial balance as it was last worked out: reading the whole book is for the night and
-- not for a page. accounts are those that belong to no person.
CREATE TABLE ledger_trial (
  id BIGINT NOT NULL PRIMARY KEY,
  balanced SMALLINT NOT NULL,
  body TEXT NOT NULL,
  took_ms BIGINT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE TABLE ledger_sum (
  unit VARCHAR(8) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  owner BIGINT NOT NULL,
  debits BIGINT NOT NULL,
  credits BIGINT NOT NULL,
  PRIMARY KEY (unit, kind, owner)
){{options}};
