-- What is forgotten is found by its age.
CREATE INDEX segment_move_at ON segment_move (at);
CREATE INDEX segment_snapshot_day ON segment_snapshot (day);
