-- A join way of customer groups (群活码), which WeCom makes for us. What people ask for is
-- in the row before WeCom hears of it: state new, making (WeCom is being asked), unsure
-- (it was asked and nobody knows what it did), made, failed, ending, ended. attempt counts
-- the askings. chats are the groups that are wanted, sent the chats that WeCom was told,
-- both lists of chat ids. asked grows with each change, done is the asked that WeCom has.
-- busy_until: a worker has it. way is the state that comes back with who came.
CREATE TABLE wecom_way (
  id BIGINT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  way VARCHAR(64) NOT NULL,
  chats TEXT NOT NULL,
  sent TEXT NOT NULL,
  auto_create SMALLINT NOT NULL,
  base_name VARCHAR(64) NOT NULL,
  base_no INT NOT NULL,
  state VARCHAR(8) NOT NULL,
  attempt INT NOT NULL,
  config_id VARCHAR(64) NOT NULL,
  join_url VARCHAR(255) NOT NULL,
  asked BIGINT NOT NULL,
  done BIGINT NOT NULL,
  busy_until BIGINT NOT NULL,
  error VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};
CREATE INDEX wecom_way_page ON wecom_way (account_id, created_at);

-- A leader sees his own live codes.
CREATE INDEX live_code_leader ON live_code (leader_id, created_at);
