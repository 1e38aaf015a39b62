-- Lists of what people earned, newest first: accruals in a state, of a rule, by their pay;
-- (the first also with the others named: read alone, it decides); withdrawals; cases of
-- fraud. Without these a list read all of a brand until it had a page.
CREATE INDEX commission_accrual_state ON commission_accrual (brand_id, state, created_at, id, rule_id, pay);
CREATE INDEX commission_accrual_rule ON commission_accrual (rule_id, created_at);
CREATE INDEX commission_accrual_pay ON commission_accrual (brand_id, pay, created_at);
CREATE INDEX withdrawal_made ON withdrawal (brand_id, created_at);
CREATE INDEX withdrawal_state ON withdrawal (brand_id, state, created_at);
CREATE INDEX fraud_case_opened ON fraud_case (brand_id, opened_at);
