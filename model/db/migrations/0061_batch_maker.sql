-- Who made a batch without an application; 0: one with, a program, or before this was kept.
ALTER TABLE batch ADD COLUMN made_by BIGINT NOT NULL DEFAULT 0;
CREATE INDEX batch_maker ON batch (made_by, created_at);
