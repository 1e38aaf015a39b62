-- derived: it says what somebody did (取自行为), so it goes when he takes his consent to
-- profiling back. What was there before is treated as if it did. rev of a list grows when an
-- operator changes who is on it.
ALTER TABLE segment_list ADD COLUMN derived SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE segment_list ADD COLUMN rev INT NOT NULL DEFAULT 1;
ALTER TABLE segment_list_item ADD COLUMN derived SMALLINT NOT NULL DEFAULT 0;
UPDATE segment_list_item SET derived = 1 WHERE list_id IN (SELECT id FROM segment_list WHERE segment_id > 0);
ALTER TABLE segment_move ADD COLUMN derived SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE segment_now ADD COLUMN derived SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE segment_snapshot ADD COLUMN derived SMALLINT NOT NULL DEFAULT 1;

-- Numbers of people whom the bitmaps of past days must not name any more: all of them
-- (entire 1: he was erased) or those that say what he did.
CREATE TABLE segment_unlink (
  brand_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  entire SMALLINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, number, entire)
){{options}};
