-- What a brand owes for commission is added up from these and not from the rows: the page
-- of a brand with a million accruals waited seconds for it.
CREATE INDEX commission_accrual_owed ON commission_accrual (brand_id, state, pay, amount, clawed);
CREATE INDEX commission_account_owed ON commission_account (brand_id, accrued_fen, available_fen, held_fen, owed_fen);
