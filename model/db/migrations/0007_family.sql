-- A person whom evidence has joined to another is the other's; 0 is nobody's. Rows
-- never move: members of one human (祖ID) are found by their root, so that taking the
-- join back leaves everything where it was.
ALTER TABLE person ADD COLUMN root_id BIGINT NOT NULL DEFAULT 0;
CREATE INDEX person_root ON person (root_id);
ALTER TABLE member ADD COLUMN root_id BIGINT NOT NULL DEFAULT 0;
CREATE INDEX member_root ON member (root_id);
