-- Points are promised by publishing as money is: how many at most, and from how many on a
-- second person must agree. A brand that chose a limit in money gets the default in points.
ALTER TABLE campaign ADD COLUMN spend_points BIGINT NOT NULL DEFAULT 0;
UPDATE campaign SET spend_points = (SELECT COALESCE(SUM(points * winners), 0) FROM campaign_tier WHERE campaign_tier.campaign_id = campaign.id) WHERE state <> 'draft';
ALTER TABLE campaign_policy ADD COLUMN approval_points BIGINT NOT NULL DEFAULT 1000000;
ALTER TABLE campaign_policy ADD COLUMN before_points BIGINT NOT NULL DEFAULT 1000000;
