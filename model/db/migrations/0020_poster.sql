-- Invitation posters (邀请海报): a brand's own templates. Built-in ones are in the
-- program. States: live, retired.
CREATE TABLE poster_template (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  state VARCHAR(12) NOT NULL,
  version INT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};
CREATE INDEX poster_template_brand ON poster_template (brand_id, id);

-- Every layout that a template ever had; only added to.
CREATE TABLE poster_version (
  template_id BIGINT NOT NULL,
  version INT NOT NULL,
  layout TEXT NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (template_id, version)
){{options}};

-- What a brand's people get: a template of its own, or a built-in one by its key. No
-- row: the first of the built-in ones.
CREATE TABLE poster_default (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  template_id BIGINT NOT NULL,
  builtin VARCHAR(16) NOT NULL,
  by_id BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
){{options}};

-- Pictures that layouts use, drawn anew from what was uploaded. Never changed.
CREATE TABLE poster_picture (
  id BIGINT NOT NULL PRIMARY KEY,
  brand_id BIGINT NOT NULL,
  digest VARCHAR(64) NOT NULL,
  name VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  width_px INT NOT NULL,
  height_px INT NOT NULL,
  body {{blob}} NOT NULL,
  by_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT poster_picture_once UNIQUE (brand_id, digest)
){{options}};
