CREATE TABLE brand (
  id BIGINT NOT NULL PRIMARY KEY,
  slug VARCHAR(32) NOT NULL,
  name VARCHAR(64) NOT NULL,
  code_host VARCHAR(100) NOT NULL,
  upper_url SMALLINT NOT NULL,
  support_phone VARCHAR(32) NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CONSTRAINT brand_slug UNIQUE (slug)
){{options}};

-- kind: official, mini, merchant, wecom. settings are shown; secrets are sealed.
CREATE TABLE account (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  app_id VARCHAR(64) NOT NULL,
  name VARCHAR(64) NOT NULL,
  callback_slug VARCHAR(40) NOT NULL,
  settings TEXT NOT NULL,
  secrets {{blob}} NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CONSTRAINT account_app UNIQUE (kind, app_id),
  CONSTRAINT account_callback UNIQUE (callback_slug)
){{options}};
CREATE INDEX account_brand ON account (brand_id, kind);

CREATE TABLE wechat_token (
  token_key VARCHAR(128) NOT NULL PRIMARY KEY,
  value {{blob}} NOT NULL,
  value_hash CHAR(64) NOT NULL,
  expires_at BIGINT NOT NULL,
  lease_owner BIGINT NOT NULL,
  lease_until BIGINT NOT NULL
){{options}};

CREATE TABLE keyword_reply (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  keyword VARCHAR(64) NOT NULL,
  match_kind VARCHAR(8) NOT NULL,
  reply VARCHAR(1000) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT keyword_once UNIQUE (account_id, keyword)
){{options}};
