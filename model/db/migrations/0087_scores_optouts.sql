-- What was written of a model's tag (模型标签), by the model's version. Rows count each time
-- they were sent. gone: values that the version took back; an older one does not bring them
-- again.
CREATE TABLE tag_feed (
  tag_id BIGINT NOT NULL,
  version INT NOT NULL,
  source VARCHAR(8) NOT NULL,
  api_key_id BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  written BIGINT NOT NULL,
  same_rows BIGINT NOT NULL,
  gone BIGINT NOT NULL,
  no_consent BIGINT NOT NULL,
  older BIGINT NOT NULL,
  unknown_rows BIGINT NOT NULL,
  bad_rows BIGINT NOT NULL,
  PRIMARY KEY (tag_id, version)
){{options}};

-- Each time somebody said that he wants no messages, or wants them again. push_id: the push
-- whose link he used, or that reached him shortly before; 0: none. counted_for: the brand
-- in whose numbers it is, 0: a wish about all brands that followed no push.
CREATE TABLE reach_optout_move (
  member_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  topic VARCHAR(32) NOT NULL,
  channel VARCHAR(12) NOT NULL,
  at BIGINT NOT NULL,
  refused SMALLINT NOT NULL,
  source VARCHAR(16) NOT NULL,
  push_id BIGINT NOT NULL,
  push_channel VARCHAR(12) NOT NULL,
  counted_for BIGINT NOT NULL,
  day_no INT NOT NULL,
  PRIMARY KEY (member_id, brand_id, topic, channel, at)
){{options}};
CREATE INDEX reach_optout_move_day ON reach_optout_move (counted_for, day_no);
CREATE INDEX reach_optout_move_push ON reach_optout_move (push_id, at);
