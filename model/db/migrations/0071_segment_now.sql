-- Who is in a segment, as the last look found: a bitmap of numbers. rev guards it.
CREATE TABLE segment_now (
  segment_id BIGINT NOT NULL PRIMARY KEY,
  version INT NOT NULL,
  rev BIGINT NOT NULL,
  people {{blob}} NOT NULL,
  count BIGINT NOT NULL,
  as_of BIGINT NOT NULL
){{options}};

-- Who was in it at the end of a business day.
CREATE TABLE segment_snapshot (
  segment_id BIGINT NOT NULL,
  day INT NOT NULL,
  version INT NOT NULL,
  people {{blob}} NOT NULL,
  count BIGINT NOT NULL,
  as_of BIGINT NOT NULL,
  PRIMARY KEY (segment_id, day)
){{options}};

-- Who came in and who left since the first look at a version. entered: 1 in, 0 out.
CREATE TABLE segment_move (
  id BIGINT NOT NULL PRIMARY KEY,
  segment_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  entered SMALLINT NOT NULL,
  version INT NOT NULL,
  at BIGINT NOT NULL
){{options}};
CREATE INDEX segment_move_segment ON segment_move (segment_id, at);
CREATE INDEX segment_move_person ON segment_move (person_id, at);
