CREATE TABLE operator (
  id BIGINT NOT NULL PRIMARY KEY,
  login VARCHAR(64) NOT NULL,
  name VARCHAR(64) NOT NULL,
  password_hash VARCHAR(200) NOT NULL,
  roles VARCHAR(200) NOT NULL,
  state VARCHAR(12) NOT NULL,
  failures INT NOT NULL,
  locked_until BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT operator_login UNIQUE (login)
){{options}};

-- The cookie holds the session's random key; the table holds only its hash.
CREATE TABLE operator_session (
  key_hash CHAR(64) NOT NULL PRIMARY KEY,
  operator_id BIGINT NOT NULL,
  csrf CHAR(64) NOT NULL,
  ip VARCHAR(45) NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
){{options}};
CREATE INDEX operator_session_owner ON operator_session (operator_id);
