-- $1: dossiers as a JSON list in the words of typical.sql; a newer version replaces an older one.
WITH merged AS (
  INSERT INTO dossier AS held
  SELECT one.* FROM jsonb_to_recordset($1::jsonb) AS one (source text, code text, version bigint,
    national_code text, receipt_number text, procedure_code text, agency text, status text,
    channel text, accepted_at timestamptz, due_at timestamptz, finished_at timestamptz,
    updated_at timestamptz, applicant jsonb, body jsonb)
  ON CONFLICT (source, code) DO UPDATE SET version = EXCLUDED.version, status = EXCLUDED.status,
    national_code = EXCLUDED.national_code, receipt_number = EXCLUDED.receipt_number,
    procedure_code = EXCLUDED.procedure_code, agency = EXCLUDED.agency, channel = EXCLUDED.channel,
    accepted_at = EXCLUDED.accepted_at, due_at = EXCLUDED.due_at,
    finished_at = EXCLUDED.finished_at, updated_at = EXCLUDED.updated_at,
    applicant = EXCLUDED.applicant, body = EXCLUDED.body
  WHERE held.version < EXCLUDED.version
  RETURNING source, code, version, status, updated_at
), events AS (
  INSERT INTO status_event (source, code, version, status, at)
  SELECT source, code, version, status, updated_at FROM merged ON CONFLICT DO NOTHING
)
INSERT INTO outbox (topic, key, version)
SELECT 'dossier.changed', source || '/' || code, version FROM merged
