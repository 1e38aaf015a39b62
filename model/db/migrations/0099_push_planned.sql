-- It began by itself at its moment: nobody looked at its audience then.
ALTER TABLE push ADD COLUMN planned SMALLINT NOT NULL DEFAULT 0;
