-- What a brand's reach is counted by: one row per version, the newest counts.
CREATE TABLE reach_policy (
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  body TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, version)
){{options}};

-- Days on which a brand sends no offers; day_no is 20261001.
CREATE TABLE reach_holiday (
  brand_id BIGINT NOT NULL,
  day_no INT NOT NULL,
  name VARCHAR(32) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, day_no)
){{options}};

-- One openid of one account. Nothing from before closed_at (left the account) counts;
-- gone_at: WeChat said that he does not follow; blocked_at: he refuses messages (0: not).
-- Every write to what belongs to an openid begins by growing version: they follow one
-- another.
CREATE TABLE reach_contact (
  account_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  gone_at BIGINT NOT NULL,
  blocked_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, openid)
){{options}};
CREATE INDEX reach_contact_member ON reach_contact (member_id);

-- Customer-service windows (客服消息窗口). deed: message, menu, follow, scan, enter; a new
-- deed of a kind replaces the window of that kind.
CREATE TABLE reach_window (
  account_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  deed VARCHAR(8) NOT NULL,
  member_id BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  left_n INT NOT NULL,
  PRIMARY KEY (account_id, openid, deed)
){{options}};
CREATE INDEX reach_window_member ON reach_window (member_id);
CREATE INDEX reach_window_until ON reach_window (account_id, until_at);

-- Subscribe grants (一次性订阅授权) that are left, by template. Nothing from before reset_at
-- counts.
CREATE TABLE reach_grant (
  account_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  template_id VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  left_n INT NOT NULL,
  reset_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, openid, template_id)
){{options}};
CREATE INDEX reach_grant_member ON reach_grant (member_id);
CREATE INDEX reach_grant_template ON reach_grant (account_id, template_id, left_n);

-- Reports that added to a number: applied again they add nothing.
CREATE TABLE reach_seen (
  seen_key VARCHAR(48) NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL
){{options}};
CREATE INDEX reach_seen_at ON reach_seen (at);

-- How often an openid was written to in a period: a month (202611) or a day (20261122).
CREATE TABLE reach_count (
  account_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  channel VARCHAR(12) NOT NULL,
  period_no INT NOT NULL,
  member_id BIGINT NOT NULL,
  n INT NOT NULL,
  PRIMARY KEY (account_id, openid, channel, period_no)
){{options}};
CREATE INDEX reach_count_member ON reach_count (member_id);
CREATE INDEX reach_count_period ON reach_count (period_no);

-- Calls of a channel on a day, in a few slots so that senders do not all wait for one row.
CREATE TABLE reach_quota (
  account_id BIGINT NOT NULL,
  channel VARCHAR(12) NOT NULL,
  day_no INT NOT NULL,
  slot INT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (account_id, channel, day_no, slot)
){{options}};

-- A channel that WeChat refused as a whole, and until when.
CREATE TABLE reach_stop (
  account_id BIGINT NOT NULL,
  channel VARCHAR(12) NOT NULL,
  until_at BIGINT NOT NULL,
  code VARCHAR(24) NOT NULL,
  since_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, channel)
){{options}};

-- One message's place: window, grant, quota and cap are taken when it is made. delivery_id
-- is whose it is, and the negative id once WeChat refused. state: reserved, sent, refused,
-- unknown. deed and window_at name the window.
CREATE TABLE reach_ticket (
  id BIGINT NOT NULL PRIMARY KEY,
  delivery_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  purpose VARCHAR(12) NOT NULL,
  channel VARCHAR(12) NOT NULL,
  account_id BIGINT NOT NULL,
  template_id VARCHAR(64) NOT NULL,
  openid VARCHAR(64) NOT NULL,
  sender VARCHAR(64) NOT NULL,
  deed VARCHAR(8) NOT NULL,
  window_at BIGINT NOT NULL,
  day_no INT NOT NULL,
  taken_at BIGINT NOT NULL,
  state VARCHAR(10) NOT NULL,
  code VARCHAR(24) NOT NULL,
  ended_at BIGINT NOT NULL,
  CONSTRAINT reach_ticket_once UNIQUE (delivery_id)
){{options}};
CREATE INDEX reach_ticket_member ON reach_ticket (member_id, day_no);
CREATE INDEX reach_ticket_openid ON reach_ticket (account_id, openid, taken_at);
CREATE INDEX reach_ticket_brand ON reach_ticket (brand_id, day_no);
CREATE INDEX reach_ticket_state ON reach_ticket (state, taken_at);

-- Grows with every marketing ticket of a human at a brand: who counted by an older version
-- counted wrongly.
CREATE TABLE reach_human (
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (brand_id, member_id)
){{options}};

-- What a member does not want, or wants again; the newest of a human counts. brand_id 0:
-- of all brands, topic and channel '': all.
CREATE TABLE reach_optout (
  member_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  topic VARCHAR(32) NOT NULL,
  channel VARCHAR(12) NOT NULL,
  refused SMALLINT NOT NULL,
  source VARCHAR(16) NOT NULL,
  by_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (member_id, brand_id, topic, channel)
){{options}};
CREATE INDEX reach_optout_brand ON reach_optout (brand_id, refused);

-- A message to come that wants grants of a template (value 0 to 100), of some members or,
-- with members 0, of everybody.
CREATE TABLE reach_want (
  ref_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  template_id VARCHAR(64) NOT NULL,
  brand_id BIGINT NOT NULL,
  value INT NOT NULL,
  members INT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (ref_id, account_id, template_id)
){{options}};
CREATE INDEX reach_want_template ON reach_want (account_id, template_id, at);

CREATE TABLE reach_want_member (
  ref_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  PRIMARY KEY (ref_id, member_id)
){{options}};
CREATE INDEX reach_want_member_who ON reach_want_member (member_id);

CREATE INDEX follower_member ON follower (member_id);
