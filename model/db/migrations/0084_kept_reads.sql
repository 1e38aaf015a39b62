-- How often links were opened is added up from the index alone, and so are the other tags
-- of some people: of hundreds of thousands each row was a read from disk.
CREATE INDEX push_click_sum ON push_click (run_id, link_no, arm, clicks);
DROP INDEX push_click_run{{of push_click}};
CREATE INDEX tag_value_whose ON tag_value (member_id, tag_id, until_at);
DROP INDEX tag_value_member{{of tag_value}};
