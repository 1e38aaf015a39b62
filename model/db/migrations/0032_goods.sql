-- Applications for code batches (码申请). The batch that an approval makes has the
-- application's id. state: waiting, approved, refused, withdrawn.
CREATE TABLE batch_request (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  count BIGINT NOT NULL,
  purpose VARCHAR(200) NOT NULL,
  supplier VARCHAR(100) NOT NULL,
  dealer VARCHAR(100) NOT NULL,
  provinces VARCHAR(500) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  url_form VARCHAR(8) NOT NULL,
  options TEXT NOT NULL,
  state VARCHAR(12) NOT NULL,
  asked_by BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX batch_request_brand ON batch_request (brand_id, created_at);
CREATE INDEX batch_request_state ON batch_request (brand_id, state, created_at);

-- Who had a part of an export, and from where.
CREATE TABLE export_download (
  id BIGINT NOT NULL PRIMARY KEY,
  export_id BIGINT NOT NULL,
  part INT NOT NULL,
  operator_id BIGINT NOT NULL,
  login VARCHAR(64) NOT NULL,
  ip VARCHAR(45) NOT NULL,
  created_at BIGINT NOT NULL
){{options}};
CREATE INDEX export_download_export ON export_download (export_id, created_at);
ALTER TABLE export ADD COLUMN password_taken_by BIGINT NOT NULL DEFAULT 0;
CREATE INDEX export_batch ON export (batch_id, created_at);

-- What was done about a report; state: open, done.
ALTER TABLE report ADD COLUMN state VARCHAR(8) NOT NULL DEFAULT 'open';
ALTER TABLE report ADD COLUMN handled_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE report ADD COLUMN handled_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE report ADD COLUMN handling VARCHAR(200) NOT NULL DEFAULT '';
CREATE INDEX report_created ON report (created_at);
CREATE INDEX report_state ON report (state, created_at);
CREATE INDEX report_code ON report (batch_id, serial);

-- Where codes were scanned by members, per batch, business day and city; folded from scan
-- once, up to the moment in region_cursor.
CREATE TABLE scan_region (
  batch_id BIGINT NOT NULL,
  day INT NOT NULL,
  province VARCHAR(32) NOT NULL,
  city VARCHAR(32) NOT NULL,
  brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  scans BIGINT NOT NULL,
  firsts BIGINT NOT NULL,
  PRIMARY KEY (batch_id, day, province, city)
){{options}};
CREATE INDEX scan_region_brand ON scan_region (brand_id, day, province, city, scans, firsts);
CREATE INDEX scan_region_product ON scan_region (product_id, brand_id, day, province, city, scans, firsts);
CREATE TABLE region_cursor (
  name VARCHAR(16) NOT NULL PRIMARY KEY,
  until_at BIGINT NOT NULL
){{options}};

-- Where serials [from_serial, until_serial) are meant to be sold, from created_at until
-- ended_at (0: still). provinces is a comma-separated list. scans counts first scans with a known
-- province, outside those elsewhere.
CREATE TABLE territory (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  from_serial BIGINT NOT NULL,
  until_serial BIGINT NOT NULL,
  dealer VARCHAR(100) NOT NULL,
  provinces VARCHAR(500) NOT NULL,
  scans BIGINT NOT NULL,
  outside BIGINT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
){{options}};
CREATE INDEX territory_batch ON territory (batch_id, ended_at);

-- Goods of a territory that were seen in another province (窜货). state: open, confirmed,
-- dismissed.
CREATE TABLE diversion (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  territory_id BIGINT NOT NULL,
  province VARCHAR(32) NOT NULL,
  codes BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  decided_by BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT diversion_once UNIQUE (territory_id, province)
){{options}};
CREATE INDEX diversion_brand ON diversion (brand_id, created_at);
CREATE INDEX diversion_state ON diversion (brand_id, state, created_at);

-- The evidence: each code once per territory and province.
CREATE TABLE diversion_code (
  territory_id BIGINT NOT NULL,
  serial BIGINT NOT NULL,
  province VARCHAR(32) NOT NULL,
  city VARCHAR(32) NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (territory_id, serial, province)
){{options}};
CREATE INDEX diversion_code_seen ON diversion_code (territory_id, province, at);
