-- Claims of a brand, newest first.
CREATE INDEX claim_brand ON claim (brand_id, created_at);
