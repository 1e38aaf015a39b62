-- How the calls of a WeChat account go, counted per business day: calls is a path of
-- WeChat's, "pay.send", or "callback" for what WeChat sent us. Filled in by heaps, so the
-- newest seconds may be missing.
CREATE TABLE account_call (
  account_id BIGINT NOT NULL,
  day INT NOT NULL,
  name VARCHAR(64) NOT NULL,
  done BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  good_at BIGINT NOT NULL,
  bad_at BIGINT NOT NULL,
  bad_code VARCHAR(64) NOT NULL,
  bad_text VARCHAR(300) NOT NULL,
  PRIMARY KEY (account_id, day, name)
){{options}};

-- When a brand's people are not to be disturbed (免打扰): minutes after midnight in
-- Shanghai, from = until means never.
CREATE TABLE quiet_hours (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  from_minute INT NOT NULL,
  until_minute INT NOT NULL,
  by_id BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};
