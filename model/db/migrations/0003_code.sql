CREATE TABLE product (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  gtin CHAR(14) NOT NULL,
  name VARCHAR(100) NOT NULL,
  spec VARCHAR(100) NOT NULL,
  picture_url VARCHAR(300) NOT NULL,
  scan_points BIGINT NOT NULL,
  points_percent INT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CONSTRAINT product_gtin UNIQUE (brand_id, gtin)
){{options}};

-- A key version is one slot, 0..1023, across all brands. next_position counts what
-- its batches have taken of 2^34.
CREATE TABLE code_key (
  slot INT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  version INT NOT NULL,
  secret {{blob}} NOT NULL,
  next_position BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  retired_at BIGINT NOT NULL,
  CONSTRAINT code_key_version UNIQUE (brand_id, version)
){{options}};

CREATE TABLE batch (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  slot INT NOT NULL,
  from_position BIGINT NOT NULL,
  count BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT batch_position UNIQUE (slot, from_position)
){{options}};
CREATE INDEX batch_brand ON batch (brand_id, created_at);
CREATE INDEX batch_product ON batch (product_id, created_at);

-- What was declared of serials [from_serial, until_serial) and from when on. seq is
-- the order of declaration within the batch, from 1 without gaps.
CREATE TABLE code_range (
  id BIGINT NOT NULL PRIMARY KEY,
  batch_id BIGINT NOT NULL,
  seq INT NOT NULL,
  from_serial BIGINT NOT NULL,
  until_serial BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  effective_at BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT code_range_seq UNIQUE (batch_id, seq)
){{options}};

-- One row per thing that caches watch; the version grows with every change.
CREATE TABLE cache_version (
  name VARCHAR(32) NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL
){{options}};

-- kind: csv, png, svg, pdf. state: waiting, running, ready, failed, cancelled,
-- expired. A running export belongs to the worker lease_owner until lease_until; beat
-- counts its reports, so that each of them changes the row.
CREATE TABLE export (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  from_serial BIGINT NOT NULL,
  until_serial BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  url_form VARCHAR(8) NOT NULL,
  options TEXT NOT NULL,
  state VARCHAR(12) NOT NULL,
  done BIGINT NOT NULL,
  password {{blob}} NOT NULL,
  password_taken_at BIGINT NOT NULL,
  max_downloads INT NOT NULL,
  error VARCHAR(500) NOT NULL,
  lease_owner BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  beat BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
){{options}};
CREATE INDEX export_brand ON export (brand_id, created_at);
CREATE INDEX export_state ON export (state, expires_at);

-- A finished file of an export: serials [from_serial, until_serial) in an encrypted
-- ZIP. checked counts the codes that were read back and compared.
CREATE TABLE export_part (
  export_id BIGINT NOT NULL,
  part INT NOT NULL,
  from_serial BIGINT NOT NULL,
  until_serial BIGINT NOT NULL,
  name VARCHAR(200) NOT NULL,
  file VARCHAR(100) NOT NULL,
  bytes BIGINT NOT NULL,
  sha256 CHAR(64) NOT NULL,
  checked INT NOT NULL,
  downloads INT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (export_id, part)
){{options}};
