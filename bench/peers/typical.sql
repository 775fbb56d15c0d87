-- The tables a user of such a tool makes for himself: the dossier as it is now, what it went through,
-- and what is to be told further.
CREATE TABLE dossier (
  source text NOT NULL, code text NOT NULL, version bigint NOT NULL, national_code text,
  receipt_number text, procedure_code text, agency text, status text, channel text,
  accepted_at timestamptz, due_at timestamptz, finished_at timestamptz, updated_at timestamptz,
  applicant jsonb, body jsonb, PRIMARY KEY (source, code));
CREATE INDEX dossier_by_agency ON dossier (agency, updated_at, code);
CREATE INDEX dossier_by_change ON dossier (updated_at, code);
CREATE TABLE status_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text, code text, version bigint,
  status text, at timestamptz, UNIQUE (source, code, version));
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text, key text, version bigint,
  created_at timestamptz DEFAULT now());
