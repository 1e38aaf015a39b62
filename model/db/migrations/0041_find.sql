-- The brands an extract is limited to: the data scope of who asked, as it was then; '' all.
ALTER TABLE extract ADD COLUMN brands VARCHAR(640) NOT NULL DEFAULT '';
-- Who asked for a copy of a person's data on his behalf.
CREATE INDEX rights_operator ON rights_request (operator_id, created_at);
-- Leaders and communities are looked up by the beginning of their names.
CREATE INDEX leader_name ON leader (name);
CREATE INDEX community_name ON community (name);
