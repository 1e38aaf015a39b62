-- The audit by one kind of object, and by what became of the acts.
CREATE INDEX audit_kind ON audit (object, created_at);
CREATE INDEX audit_outcome ON audit (outcome, created_at);
