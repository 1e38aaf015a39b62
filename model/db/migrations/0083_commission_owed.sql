-- What a brand owes for commission: what was added up, and what moved since, a row for each
-- change. Both together are exact at every moment, and no two writers wait for one row. Sums
-- of all accruals and accounts took half a second.
CREATE TABLE commission_owed (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  frozen_fen BIGINT NOT NULL,
  suspicious_fen BIGINT NOT NULL,
  released_fen BIGINT NOT NULL,
  points BIGINT NOT NULL,
  available_fen BIGINT NOT NULL,
  withdrawing_fen BIGINT NOT NULL,
  debt_fen BIGINT NOT NULL,
  earners BIGINT NOT NULL,
  folds BIGINT NOT NULL
){{options}};
CREATE TABLE commission_owed_move (
  brand_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  frozen_fen BIGINT NOT NULL,
  suspicious_fen BIGINT NOT NULL,
  released_fen BIGINT NOT NULL,
  points BIGINT NOT NULL,
  available_fen BIGINT NOT NULL,
  withdrawing_fen BIGINT NOT NULL,
  debt_fen BIGINT NOT NULL,
  earners BIGINT NOT NULL,
  PRIMARY KEY (brand_id, id)
){{options}};

INSERT INTO commission_owed (brand_id, frozen_fen, suspicious_fen, released_fen, points, available_fen, withdrawing_fen, debt_fen, earners, folds)
SELECT brand_id, SUM(frozen_fen), SUM(suspicious_fen), SUM(released_fen), SUM(points), SUM(available_fen), SUM(withdrawing_fen), SUM(debt_fen), SUM(earners), 0 FROM (
  SELECT brand_id, CASE WHEN pay = 'cash' AND state = 'frozen' THEN amount - clawed ELSE 0 END AS frozen_fen,
    CASE WHEN pay = 'cash' AND state = 'held' THEN amount - clawed ELSE 0 END AS suspicious_fen,
    CASE WHEN pay = 'cash' AND state = 'released' THEN amount - clawed ELSE 0 END AS released_fen,
    CASE WHEN pay = 'points' THEN amount - clawed ELSE 0 END AS points, 0 AS available_fen, 0 AS withdrawing_fen, 0 AS debt_fen, 0 AS earners
  FROM commission_accrual WHERE state IN ('frozen', 'held', 'released')
  UNION ALL SELECT brand_id, 0, 0, 0, 0, available_fen, held_fen, owed_fen, CASE WHEN accrued_fen > 0 OR available_fen > 0 OR held_fen > 0 THEN 1 ELSE 0 END FROM commission_account
) found GROUP BY brand_id;
