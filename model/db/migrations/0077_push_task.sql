-- Tasks of staff (企业微信群发任务): WeCom took them, and the staff has to press "send". What
-- became of each copy is asked for until it is known or until_at has passed; then the rows
-- go. look_at: when it is asked for next.
CREATE TABLE push_task (
  id BIGINT NOT NULL PRIMARY KEY,
  push_id BIGINT NOT NULL,
  run_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  sender VARCHAR(64) NOT NULL,
  msg_id VARCHAR(128) NOT NULL,
  made_at BIGINT NOT NULL,
  look_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL
){{options}};
CREATE INDEX push_task_look ON push_task (look_at);
CREATE TABLE push_task_copy (
  task_id BIGINT NOT NULL,
  delivery_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  openid VARCHAR(64) NOT NULL,
  PRIMARY KEY (task_id, delivery_id)
){{options}};
CREATE INDEX push_task_copy_member ON push_task_copy (member_id);
