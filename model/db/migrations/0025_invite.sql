-- Which code the invitations of a brand carry: link, official, mini.
ALTER TABLE poster_default ADD COLUMN code VARCHAR(8) NOT NULL DEFAULT 'link';

-- What WeChat made for a personal code, so that it is asked once: the text of a QR code
-- of an official account (expires_at is its end), or the picture of a mini program's code
-- (expires_at 0: for ever). One row per code and account of ours.
CREATE TABLE invite_code (
  code_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  qr_text VARCHAR(255) NOT NULL,
  picture {{blob}} NOT NULL,
  made_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (code_id, account_id)
){{options}};
