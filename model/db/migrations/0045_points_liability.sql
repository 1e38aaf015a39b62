-- What a brand owed its members in points when it was last added up: a brand with many
-- lots is read from here, with the moment beside it. body is JSON, numbers only.
CREATE TABLE points_liability (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  body TEXT NOT NULL
){{options}};
