-- How often what a difference says has changed: a reason is given for one version.
ALTER TABLE recon_item ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- A brand's referral codes, newest first, all or the open ones.
CREATE INDEX referral_code_brand ON referral_code (brand_id, created_at);
CREATE INDEX referral_code_state ON referral_code (brand_id, state, created_at);
