-- The last questions about a brand's people (rules, JSON): what they are about is read when
-- a process starts, before somebody asks again.
CREATE TABLE segment_asked (
  brand_id BIGINT NOT NULL,
  hash VARCHAR(32) NOT NULL,
  tree TEXT NOT NULL,
  asked_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, hash)
){{options}};

-- Who follows and who agrees is read without looking each row up.
CREATE INDEX follower_whom ON follower (member_id, following);
CREATE INDEX consent_given ON consent (member_id, purpose, at, given);
