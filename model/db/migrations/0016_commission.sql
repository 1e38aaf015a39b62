-- A rule of commission (佣金规则). version is the newest that was written, active_version
-- the newest that came into force (0: none). used is what its accruals come to, in fen or
-- points, less what was taken back; it never passes budget when that is not 0.
-- state: draft, active, ended
CREATE TABLE commission_rule (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  state VARCHAR(8) NOT NULL,
  version INT NOT NULL,
  active_version INT NOT NULL,
  budget BIGINT NOT NULL,
  used BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
){{options}};
CREATE INDEX commission_rule_brand ON commission_rule (brand_id, state);

-- What a rule said. Only its time of being in force is ever written again:
-- [active_from, active_until); 0 is never, and not yet.
CREATE TABLE commission_version (
  rule_id BIGINT NOT NULL,
  version INT NOT NULL,
  brand_id BIGINT NOT NULL,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  active_from BIGINT NOT NULL,
  active_until BIGINT NOT NULL,
  activated_by BIGINT NOT NULL,
  PRIMARY KEY (rule_id, version)
){{options}};
CREATE INDEX commission_version_brand ON commission_version (brand_id, active_from);

-- Legal opinions (法务意见) that a rule of two levels needs. Append-only.
CREATE TABLE commission_signoff (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  rule_id BIGINT NOT NULL,
  version INT NOT NULL,
  signer VARCHAR(64) NOT NULL,
  title VARCHAR(120) NOT NULL,
  number VARCHAR(64) NOT NULL,
  signed_on INT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX commission_signoff_rule ON commission_signoff (rule_id, version);

-- When a brand settles. kind: weekly (settle_day 1 is Monday), monthly (day of the month).
CREATE TABLE commission_policy (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  kind VARCHAR(8) NOT NULL,
  settle_day INT NOT NULL,
  version INT NOT NULL,
  by_id BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};

-- What one fact brings one earner by one rule (计提). fact_key names the claim or the
-- order, whichever event told of it. base_qty and base_fen are what of it the rule covers.
-- amount and clawed are fen or points. day is the business day of the fact.
-- state: frozen, held, released, settled, clawed, nothing (earned nothing: reason says why)
CREATE TABLE commission_accrual (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  rule_id BIGINT NOT NULL,
  version INT NOT NULL,
  level SMALLINT NOT NULL,
  earned_on VARCHAR(8) NOT NULL,
  pay VARCHAR(8) NOT NULL,
  fact_key VARCHAR(128) NOT NULL,
  event_id BIGINT NOT NULL,
  event_key VARCHAR(96) NOT NULL,
  event_at BIGINT NOT NULL,
  day INT NOT NULL,
  referee_id BIGINT NOT NULL,
  earner_id BIGINT NOT NULL,
  role VARCHAR(8) NOT NULL,
  binding_id BIGINT NOT NULL,
  bound_at BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  serial BIGINT NOT NULL,
  base_qty BIGINT NOT NULL,
  base_fen BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  clawed BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  state VARCHAR(8) NOT NULL,
  reason VARCHAR(200) NOT NULL,
  checks TEXT NOT NULL,
  statement_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  release_at BIGINT NOT NULL,
  released_at BIGINT NOT NULL,
  settled_at BIGINT NOT NULL,
  CONSTRAINT commission_accrual_once UNIQUE (fact_key, rule_id, level)
){{options}};
CREATE INDEX commission_accrual_due ON commission_accrual (state, release_at);
CREATE INDEX commission_accrual_earner ON commission_accrual (earner_id, created_at);
CREATE INDEX commission_accrual_referee ON commission_accrual (referee_id);
CREATE INDEX commission_accrual_open ON commission_accrual (brand_id, state, earner_id);
CREATE INDEX commission_accrual_statement ON commission_accrual (statement_id);
CREATE INDEX commission_accrual_brand ON commission_accrual (brand_id, created_at);
CREATE INDEX commission_accrual_cap ON commission_accrual (rule_id, earner_id, day);

-- What was taken back of an accrual. Append-only but for what follows from it: late is 1
-- when it had been settled; due is 1 while points are still to be taken; statement_id is
-- the statement that shows a late one.
CREATE TABLE commission_claw (
  id BIGINT NOT NULL PRIMARY KEY,
  claw_key VARCHAR(160) NOT NULL,
  accrual_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  earner_id BIGINT NOT NULL,
  pay VARCHAR(8) NOT NULL,
  amount BIGINT NOT NULL,
  late SMALLINT NOT NULL,
  due SMALLINT NOT NULL,
  statement_id BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT commission_claw_once UNIQUE (claw_key)
){{options}};
CREATE INDEX commission_claw_accrual ON commission_claw (accrual_id);
CREATE INDEX commission_claw_open ON commission_claw (brand_id, late, statement_id, earner_id);
CREATE INDEX commission_claw_statement ON commission_claw (statement_id);
CREATE INDEX commission_claw_due ON commission_claw (due);

-- What serialises an order and its refunds, whichever comes first.
CREATE TABLE commission_order (
  order_key VARCHAR(128) NOT NULL PRIMARY KEY,
  moves BIGINT NOT NULL
){{options}};

-- Refunds, remembered also when they come before their order. goods is what came back:
-- product, quantity and fen of each line.
CREATE TABLE commission_refund (
  id BIGINT NOT NULL PRIMARY KEY,
  refund_key VARCHAR(160) NOT NULL,
  order_key VARCHAR(128) NOT NULL,
  goods TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT commission_refund_once UNIQUE (refund_key)
){{options}};
CREATE INDEX commission_refund_order ON commission_refund (order_key);

-- What one earner gets of one cycle (结算单). parts counts the transactions that filled
-- it, and serialises them. told_at is when its earner was told. state: open, closed
CREATE TABLE commission_statement (
  id BIGINT NOT NULL PRIMARY KEY,
  number VARCHAR(32) NOT NULL,
  brand_id BIGINT NOT NULL,
  earner_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  from_day INT NOT NULL,
  until_day INT NOT NULL,
  entries INT NOT NULL,
  gross_fen BIGINT NOT NULL,
  clawed_fen BIGINT NOT NULL,
  net_fen BIGINT NOT NULL,
  taxable_fen BIGINT NOT NULL,
  gross_points BIGINT NOT NULL,
  clawed_points BIGINT NOT NULL,
  net_points BIGINT NOT NULL,
  parts INT NOT NULL,
  state VARCHAR(8) NOT NULL,
  told_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  CONSTRAINT commission_statement_once UNIQUE (brand_id, earner_id, kind, from_day),
  CONSTRAINT commission_statement_number UNIQUE (number)
){{options}};
CREATE INDEX commission_statement_earner ON commission_statement (earner_id, created_at);
CREATE INDEX commission_statement_brand ON commission_statement (brand_id, created_at);
CREATE INDEX commission_statement_told ON commission_statement (state, told_at);
