-- sealed: 1 once the entry is a link of the chain and can never change again.
ALTER TABLE audit ADD COLUMN sealed SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX audit_sealed ON audit (sealed, created_at);

-- The chain over the audit: each link holds a keyed digest of its entry and of the link
-- before it. content_hash is apart, because a person may have what was written of him
-- taken out; who did what and when stays proven.
CREATE TABLE audit_seal (
  seq BIGINT NOT NULL PRIMARY KEY,
  audit_id BIGINT NOT NULL,
  content_hash CHAR(64) NOT NULL,
  line_hash CHAR(64) NOT NULL,
  chain_hash CHAR(64) NOT NULL,
  sealed_at BIGINT NOT NULL,
  CONSTRAINT audit_seal_once UNIQUE (audit_id)
){{options}};
