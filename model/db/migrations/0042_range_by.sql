-- Who declared a state of codes; 0: the program itself, or before this was kept.
ALTER TABLE code_range ADD COLUMN by_id BIGINT NOT NULL DEFAULT 0;
