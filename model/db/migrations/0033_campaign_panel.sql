-- approval: '', submitted, approved, refused: where the draft stands with its second
-- person. edited_by wrote the draft last. cancels counts how often a published campaign
-- was taken back before it began.
ALTER TABLE campaign ADD COLUMN approval VARCHAR(12) NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN edited_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN copied_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN archived_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN cancels INT NOT NULL DEFAULT 0;

-- Up to how much a campaign may be published by one person. A brand without a row has the
-- default.
CREATE TABLE campaign_policy (
  brand_id BIGINT NOT NULL PRIMARY KEY,
  approval_fen BIGINT NOT NULL,
  updated_by BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};

-- One asking for approval: content is what was frozen, hash its SHA-256. state: submitted,
-- approved, refused, withdrawn, stale (edited, or taken back, afterwards). approved says
-- that it was approved, also when it is stale now.
CREATE TABLE campaign_approval (
  id BIGINT NOT NULL PRIMARY KEY,
  campaign_id BIGINT NOT NULL,
  brand_id BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  approved SMALLINT NOT NULL,
  hash CHAR(64) NOT NULL,
  content {{blob}} NOT NULL,
  spend_fen BIGINT NOT NULL,
  edited_by BIGINT NOT NULL,
  submitted_by BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  decided_by BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL
){{options}};
CREATE INDEX campaign_approval_campaign ON campaign_approval (campaign_id, created_at);
CREATE INDEX campaign_approval_state ON campaign_approval (brand_id, state, created_at);

-- How far a campaign's claims and ended payouts are counted. members is a sketch from
-- which the number of different members is estimated; it holds nobody.
CREATE TABLE campaign_tally (
  campaign_id BIGINT NOT NULL PRIMARY KEY,
  claims_until BIGINT NOT NULL,
  payouts_until BIGINT NOT NULL,
  members {{blob}} NOT NULL,
  updated_at BIGINT NOT NULL
){{options}};

-- The counts. kind: hour (slot = hours since 1970), tier, region (slot = province),
-- payout (slot = state it ended in).
CREATE TABLE campaign_count (
  campaign_id BIGINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  slot VARCHAR(32) NOT NULL,
  n BIGINT NOT NULL,
  fen BIGINT NOT NULL,
  PRIMARY KEY (campaign_id, kind, slot)
){{options}};
CREATE INDEX payout_finished ON payout (campaign_id, finished_at);
