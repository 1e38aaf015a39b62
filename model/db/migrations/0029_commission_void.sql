-- What was earned on a code, when codes become void.
CREATE INDEX commission_accrual_code ON commission_accrual (batch_id, serial);
