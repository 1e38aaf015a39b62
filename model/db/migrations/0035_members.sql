-- The back office finds members by state and by level, newest first, and pages what people
-- decide about without reading all of it.
CREATE INDEX member_in_state ON member (state, created_at, id);
CREATE INDEX tier_standing_level ON tier_standing (brand_id, level, member_id);
CREATE INDEX rights_created ON rights_request (created_at, id);
CREATE INDEX points_adjustment_created ON points_adjustment (created_at, id);
CREATE INDEX identity_review_created ON identity_review (created_at, id);
CREATE INDEX identity_merge_state ON identity_merge (state, created_at, id);
