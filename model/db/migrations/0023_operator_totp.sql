-- The second factor of operators (RFC 6238). state: pending until the first code was
-- shown to work, on afterwards. secret is sealed, recovery holds hashes of codes that work
-- once. last_step is the newest time step that was used: a code works once.
CREATE TABLE operator_totp (
  operator_id BIGINT NOT NULL PRIMARY KEY,
  state VARCHAR(8) NOT NULL,
  secret {{blob}} NOT NULL,
  recovery TEXT NOT NULL,
  last_step BIGINT NOT NULL,
  failures INT NOT NULL,
  locked_until BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};
