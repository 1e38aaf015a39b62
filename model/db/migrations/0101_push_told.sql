-- The words for members that were found when the audience was, where nobody wrote any (why).
-- They are the rule's of that moment: neither an operator's own nor a copy's.
ALTER TABLE push ADD COLUMN told VARCHAR(400) NOT NULL DEFAULT '';
