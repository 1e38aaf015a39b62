-- The brands an operator may work on (数据范围): decimal ids with commas, empty for all.
ALTER TABLE operator ADD COLUMN brands VARCHAR(640) NOT NULL DEFAULT '';
