-- What the audience of a push rested on when a second person was asked: segment, tag or list,
-- with the version that it had.
CREATE TABLE push_pin (
  push_id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  ref_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  version INT NOT NULL,
  PRIMARY KEY (push_id, kind, ref_id)
){{options}};
