-- How the scores of a model's tag lie, as of the tag's last count: humans whose newest score
-- is from low up to high. people of tag_feed: whose newest word is that version's.
CREATE TABLE tag_score (
  tag_id BIGINT NOT NULL,
  low BIGINT NOT NULL,
  high BIGINT NOT NULL,
  people BIGINT NOT NULL,
  PRIMARY KEY (tag_id, low)
){{options}};
ALTER TABLE tag_feed ADD COLUMN people BIGINT NOT NULL DEFAULT 0;
