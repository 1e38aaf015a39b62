-- Who may take part in a campaign. min_level 0: everybody; n: members of the brand's level
-- n and above. level_name is that level's name when the campaign was published.
ALTER TABLE campaign ADD COLUMN min_level INT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN level_name VARCHAR(16) NOT NULL DEFAULT '';
