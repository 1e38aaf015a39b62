-- Who published a campaign; 0: a program, or before this was kept. before_fen is the lowest
-- limit of approval that a brand had in the day before its last change.
ALTER TABLE campaign ADD COLUMN published_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign_policy ADD COLUMN before_fen BIGINT NOT NULL DEFAULT 0;
UPDATE campaign_policy SET before_fen = approval_fen;
