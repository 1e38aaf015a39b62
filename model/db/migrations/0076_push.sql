-- Messages to the people of a segment (触达). content holds ways, arms and links as JSON.
-- state: draft, pending, scheduled, running, paused, missed, done, stopped. frozen_at is 0
-- while the audience is not written down; freeze_no counts attempts to do so.
CREATE TABLE push (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  purpose VARCHAR(16) NOT NULL,
  topic VARCHAR(32) NOT NULL,
  worth INT NOT NULL,
  segment_id BIGINT NOT NULL,
  list_id BIGINT NOT NULL,
  timing VARCHAR(8) NOT NULL,
  start_at BIGINT NOT NULL,
  per_second INT NOT NULL,
  held_bp INT NOT NULL,
  content TEXT NOT NULL,
  why VARCHAR(400) NOT NULL,
  state VARCHAR(12) NOT NULL,
  version INT NOT NULL,
  people BIGINT NOT NULL,
  expected BIGINT NOT NULL,
  approved INT NOT NULL,
  freeze_no INT NOT NULL,
  holdout TEXT NOT NULL,
  segment_version INT NOT NULL,
  as_of BIGINT NOT NULL,
  note VARCHAR(300) NOT NULL,
  edited_by BIGINT NOT NULL,
  submitted_by BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  started_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  submitted_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  frozen_at BIGINT NOT NULL,
  give_up_at BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL
){{options}};
CREATE INDEX push_brand ON push (brand_id, created_at);
CREATE INDEX push_due ON push (state, start_at);
CREATE INDEX push_segment ON push (segment_id);

-- One member's copy (触达记录), written when the audience is frozen, also for those who are
-- left alone. run_id is the push, or the test of which it is a part. state: waiting,
-- sending, sent, refused, unknown, skipped, held. holder is the wave that sends it; take_id
-- the key under which the reach ledger knows the attempt.
CREATE TABLE push_delivery (
  id BIGINT NOT NULL PRIMARY KEY,
  run_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  lane SMALLINT NOT NULL,
  arm SMALLINT NOT NULL,
  state VARCHAR(8) NOT NULL,
  reason VARCHAR(32) NOT NULL,
  channel VARCHAR(12) NOT NULL,
  use_no SMALLINT NOT NULL,
  code VARCHAR(32) NOT NULL,
  tries SMALLINT NOT NULL,
  take_id BIGINT NOT NULL,
  ticket_id BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  CONSTRAINT push_delivery_once UNIQUE (run_id, member_id)
){{options}};
CREATE INDEX push_delivery_lane ON push_delivery (run_id, lane, state, due_at);
CREATE INDEX push_delivery_state ON push_delivery (run_id, state, id);
CREATE INDEX push_delivery_member ON push_delivery (member_id, moved_at);

-- What workers send along, each a part of a run's deliveries.
CREATE TABLE push_lane (
  id BIGINT NOT NULL PRIMARY KEY,
  push_id BIGINT NOT NULL,
  run_id BIGINT NOT NULL,
  lane SMALLINT NOT NULL,
  done_at BIGINT NOT NULL,
  CONSTRAINT push_lane_once UNIQUE (run_id, lane)
){{options}};
CREATE INDEX push_lane_push ON push_lane (push_id);
CREATE INDEX push_lane_open ON push_lane (done_at, id);

-- How many deliveries are where, and how many ended in each minute, kept with them.
CREATE TABLE push_tally (
  run_id BIGINT NOT NULL,
  lane SMALLINT NOT NULL,
  arm SMALLINT NOT NULL,
  state VARCHAR(8) NOT NULL,
  channel VARCHAR(12) NOT NULL,
  reason VARCHAR(32) NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (run_id, lane, arm, state, channel, reason)
){{options}};
CREATE TABLE push_minute (
  run_id BIGINT NOT NULL,
  minute_no BIGINT NOT NULL,
  lane SMALLINT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (run_id, minute_no, lane)
){{options}};

-- Who opened which link of his copy.
CREATE TABLE push_click (
  delivery_id BIGINT NOT NULL,
  link_no SMALLINT NOT NULL,
  run_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  arm SMALLINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  clicks INT NOT NULL,
  PRIMARY KEY (delivery_id, link_no)
){{options}};
CREATE INDEX push_click_run ON push_click (run_id, link_no);
CREATE INDEX push_click_member ON push_click (member_id);

-- Who may be sent tests, and the tests that were sent.
CREATE TABLE push_tester (
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  name VARCHAR(32) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, member_id)
){{options}};
CREATE TABLE push_test (
  id BIGINT NOT NULL PRIMARY KEY,
  push_id BIGINT NOT NULL,
  arm SMALLINT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX push_test_push ON push_test (push_id, created_at);

-- From how many people on a second person agrees; how fast, and for how long it is tried.
CREATE TABLE push_policy (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  approval_people BIGINT NOT NULL,
  per_second INT NOT NULL,
  give_up_hours INT NOT NULL,
  by_id BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};
