-- One person as a contact of one of the staff (外部联系人). state: active, half (he asked,
-- nobody accepted), dropped (by the staff), left (by himself), lost (WeCom knows of none).
-- way is the state of the contact way he came by. Counters: asked grows with each push,
-- done is the asked that the last look at WeCom answered. told_at is the since_at that
-- events and referral were told of.
CREATE TABLE wecom_contact (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  external_userid VARCHAR(64) NOT NULL,
  userid VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  way VARCHAR(64) NOT NULL,
  add_way INT NOT NULL,
  state VARCHAR(8) NOT NULL,
  since_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  told_at BIGINT NOT NULL,
  asked BIGINT NOT NULL,
  done BIGINT NOT NULL,
  seen_round BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT wecom_contact_once UNIQUE (account_id, external_userid, userid)
){{options}};
CREATE INDEX wecom_contact_page ON wecom_contact (account_id, created_at);
CREATE INDEX wecom_contact_staff ON wecom_contact (account_id, userid, seen_round);
CREATE INDEX wecom_contact_member ON wecom_contact (member_id);

-- A customer group (客户群) as WeCom knows it. What it is to the brand is community's.
-- state: live, dismissed. member_version is WeCom's.
CREATE TABLE wecom_chat (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  chat_id VARCHAR(64) NOT NULL,
  state VARCHAR(10) NOT NULL,
  owner VARCHAR(64) NOT NULL,
  size INT NOT NULL,
  member_version VARCHAR(64) NOT NULL,
  asked BIGINT NOT NULL,
  done BIGINT NOT NULL,
  seen_round BIGINT NOT NULL,
  synced_at BIGINT NOT NULL,
  error VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT wecom_chat_once UNIQUE (account_id, chat_id)
){{options}};
CREATE INDEX wecom_chat_page ON wecom_chat (account_id, created_at);

-- Who is or was in a group; the staff has member_id 0. left_at 0: is in it.
CREATE TABLE wecom_chat_member (
  chat_no BIGINT NOT NULL,
  userid VARCHAR(64) NOT NULL,
  member_id BIGINT NOT NULL,
  join_scene INT NOT NULL,
  way VARCHAR(64) NOT NULL,
  joined_at BIGINT NOT NULL,
  left_at BIGINT NOT NULL,
  told_at BIGINT NOT NULL,
  PRIMARY KEY (chat_no, userid)
){{options}};
CREATE INDEX wecom_chat_member_who ON wecom_chat_member (member_id);

-- A round over everything that an account knows. kind: chats, contacts, followers. state:
-- idle, running, failed. place is where the next page begins, version guards it. calls are
-- those of the day day_no.
CREATE TABLE wecom_sync (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  kind VARCHAR(12) NOT NULL,
  state VARCHAR(8) NOT NULL,
  round_no BIGINT NOT NULL,
  place VARCHAR(1024) NOT NULL,
  version BIGINT NOT NULL,
  pages BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  day_no BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  error VARCHAR(200) NOT NULL,
  CONSTRAINT wecom_sync_once UNIQUE (account_id, kind)
){{options}};
