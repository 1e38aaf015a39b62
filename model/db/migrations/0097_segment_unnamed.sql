-- Lines of orders whose goods the brand had not registered when their act was made: which
-- act, and the GTIN of the order. A line goes when its goods have been registered and the act
-- says so, or with the act.
CREATE TABLE segment_unnamed (
  member_id BIGINT NOT NULL,
  event_id BIGINT NOT NULL,
  line INT NOT NULL,
  brand_id BIGINT NOT NULL,
  gtin VARCHAR(14) NOT NULL,
  PRIMARY KEY (member_id, event_id, line)
){{options}};
CREATE INDEX segment_unnamed_gtin ON segment_unnamed (brand_id, gtin, member_id);

-- Products that were registered and whose buyers are being told of: up to member after_id
-- they have been.
CREATE TABLE segment_named (
  brand_id BIGINT NOT NULL,
  gtin VARCHAR(14) NOT NULL,
  after_id BIGINT NOT NULL,
  PRIMARY KEY (brand_id, gtin)
){{options}};
