-- Tags (标签). category_id 0: directly under the class. state: requested, built, pending,
-- running, retired. version is the approved definition, 0 before the first. roles: a list
-- of role keys in JSON; none means every role. profiling: its values need that consent. people
-- is as of counted_at. proposal says why the tag should go, '' when it should not.
CREATE TABLE tag (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  class VARCHAR(16) NOT NULL,
  category_id BIGINT NOT NULL,
  name VARCHAR(32) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  purpose VARCHAR(200) NOT NULL,
  intended_use VARCHAR(200) NOT NULL,
  owner_id BIGINT NOT NULL,
  by_id BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  is_sensitive SMALLINT NOT NULL,
  roles VARCHAR(200) NOT NULL,
  profiling SMALLINT NOT NULL,
  ttl_days INT NOT NULL,
  refresh_minutes INT NOT NULL,
  review_days INT NOT NULL,
  idle_days INT NOT NULL,
  version INT NOT NULL,
  rev BIGINT NOT NULL,
  people BIGINT NOT NULL,
  counted_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  reviewed_at BIGINT NOT NULL,
  refresh_at BIGINT NOT NULL,
  proposal VARCHAR(100) NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  CONSTRAINT tag_once UNIQUE (brand_id, name)
){{options}};
CREATE INDEX tag_brand ON tag (brand_id, created_at);
CREATE INDEX tag_refresh ON tag (state, refresh_at);

-- The second and third level of the tag tree. parent_id 0: directly under the class.
CREATE TABLE tag_category (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  class VARCHAR(16) NOT NULL,
  parent_id BIGINT NOT NULL,
  name VARCHAR(32) NOT NULL,
  place_no INT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT tag_category_once UNIQUE (brand_id, class, parent_id, name)
){{options}};

-- What a tag means, by version. state: draft, pending, approved, rejected.
CREATE TABLE tag_version (
  tag_id BIGINT NOT NULL,
  version INT NOT NULL,
  definition TEXT NOT NULL,
  state VARCHAR(12) NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  PRIMARY KEY (tag_id, version)
){{options}};

-- Who has a tag. Of a human (祖ID) the newest row of his members counts, if until_at is 0
-- or to come. Computed values stand under his root alone. score is a model's, or the value
-- where that is a whole number. version is the definition's, or the model's.
CREATE TABLE tag_value (
  tag_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  value VARCHAR(32) NOT NULL,
  score INT NOT NULL,
  version INT NOT NULL,
  since_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  evidence VARCHAR(200) NOT NULL,
  PRIMARY KEY (tag_id, member_id)
){{options}};
CREATE INDEX tag_value_member ON tag_value (member_id);
CREATE INDEX tag_value_until ON tag_value (until_at);

-- Whoever writes values of a member holds this row and adds one to seq, so that nothing
-- that was computed from older facts, or before a consent was taken back, is written after.
CREATE TABLE tag_person (
  member_id BIGINT NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL
){{options}};

-- Which people a brand's tags were computed for since they came: whoever comes first may
-- fulfil rules that no act of his touches ("never bought").
CREATE TABLE tag_seen (
  member_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  PRIMARY KEY (member_id, brand_id)
){{options}};
