-- Rules over facts (人群) by version. state: active, archived. version is the newest.
CREATE TABLE segment (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  note VARCHAR(400) NOT NULL,
  state VARCHAR(12) NOT NULL,
  version INT NOT NULL,
  rev INT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};
CREATE INDEX segment_brand_list ON segment (brand_id, created_at);

-- Rows are never changed. tree is JSON in the language of model/rule.
CREATE TABLE segment_version (
  segment_id BIGINT NOT NULL,
  version INT NOT NULL,
  tree TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (segment_id, version)
){{options}};

-- Lists that operators keep by hand (名单).
CREATE TABLE segment_list (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  note VARCHAR(400) NOT NULL,
  segment_id BIGINT NOT NULL,
  version INT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX segment_list_brand ON segment_list (brand_id, created_at);

CREATE TABLE segment_list_item (
  list_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (list_id, member_id)
){{options}};
CREATE INDEX segment_list_member ON segment_list_item (member_id);

-- Members of whom something changed and who were not looked at yet. parts: bits of what.
CREATE TABLE segment_dirty (
  id BIGINT NOT NULL PRIMARY KEY,
  member_id BIGINT NOT NULL,
  parts INT NOT NULL
){{options}};
CREATE INDEX segment_dirty_member ON segment_dirty (member_id);

-- Whose acts are kept: allowed 1, or 0 where profiling is not agreed to. Everybody who
-- writes or deletes acts of a member holds this row.
CREATE TABLE segment_state (
  member_id BIGINT NOT NULL PRIMARY KEY,
  allowed SMALLINT NOT NULL,
  version BIGINT NOT NULL
){{options}};

-- What members did, from events, one row per line; only of who allows profiling.
-- person_id is the human's root at present.
CREATE TABLE segment_act (
  member_id BIGINT NOT NULL,
  event_id BIGINT NOT NULL,
  line INT NOT NULL,
  person_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  what VARCHAR(16) NOT NULL,
  product_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  day INT NOT NULL,
  at BIGINT NOT NULL,
  province VARCHAR(32) NOT NULL,
  PRIMARY KEY (member_id, event_id, line)
){{options}};
CREATE INDEX segment_act_what ON segment_act (brand_id, what, at, person_id, quantity);
CREATE INDEX segment_act_product ON segment_act (brand_id, product_id, what, at, person_id, quantity);
CREATE INDEX segment_act_person ON segment_act (person_id, brand_id, what, at);

-- People of a brand (祖ID) with the number that bitmaps know them by, which is nobody
-- else's for ever. live: he is somebody's root and has been seen by the brand. allows:
-- profiling.
CREATE TABLE segment_person (
  brand_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  live SMALLINT NOT NULL,
  allows SMALLINT NOT NULL,
  PRIMARY KEY (brand_id, person_id),
  CONSTRAINT segment_person_number UNIQUE (brand_id, number)
){{options}};
CREATE INDEX segment_person_person ON segment_person (person_id);

-- Per brand: the next number, and the newest change. Whoever writes changes of a brand
-- holds this row, so that changes become visible in the order of seq.
CREATE TABLE segment_brand (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  next_number BIGINT NOT NULL,
  seq BIGINT NOT NULL
){{options}};

-- People of whom something changed, for engines in all processes: eight bytes each.
CREATE TABLE segment_change (
  brand_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  parts INT NOT NULL,
  people {{blob}} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, seq)
){{options}};
CREATE INDEX segment_change_old ON segment_change (created_at);

-- How far members who were there before were taken in.
CREATE TABLE segment_cursor (
  name VARCHAR(16) NOT NULL PRIMARY KEY,
  after_id BIGINT NOT NULL,
  done SMALLINT NOT NULL
){{options}};
