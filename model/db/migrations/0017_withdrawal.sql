-- What a member earned with one brand. The amounts equal the accounts of the ledger
-- whose owner is this row's id; who moves them holds the row.
CREATE TABLE commission_account (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  accrued_fen BIGINT NOT NULL,
  available_fen BIGINT NOT NULL,
  held_fen BIGINT NOT NULL,
  owed_fen BIGINT NOT NULL,
  paid_fen BIGINT NOT NULL,
  tax_fen BIGINT NOT NULL,
  moves BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT commission_account_once UNIQUE (brand_id, member_id)
){{options}};
CREATE INDEX commission_account_member ON commission_account (member_id);
