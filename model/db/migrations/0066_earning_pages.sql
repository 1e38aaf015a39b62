-- Accruals in a state and of a pay, or of a rule, newest first: also where there are none, as
-- points of a brand that pays cash. The index of the state alone was read to its end for them.
CREATE INDEX commission_accrual_state_pay ON commission_accrual (brand_id, state, pay, created_at, id);
CREATE INDEX commission_accrual_rule_state ON commission_accrual (brand_id, rule_id, state, created_at, id, pay);
