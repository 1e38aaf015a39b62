-- Pages show a member by the last six digits of his number (id.Tail), and so people look for
-- him. In a large house some share them: the list of them is paged, the newest first.
ALTER TABLE member ADD COLUMN tail INTEGER GENERATED ALWAYS AS (id % 1000000) VIRTUAL;
CREATE INDEX member_tail ON member (tail, created_at, id);
