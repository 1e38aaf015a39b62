-- Payouts of a brand, newest first, by amount, rail and purpose without reading the rows.
CREATE INDEX payout_found ON payout (brand_id, created_at, amount_fen, rail, purpose);
