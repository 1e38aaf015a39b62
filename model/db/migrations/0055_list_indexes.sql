-- Bindings in a state that few have: a brand with a million of them read all.
CREATE INDEX referral_binding_state ON referral_binding (brand_id, state, created_at);
