-- What the hub stores for one pushed JSON batch of new dossiers, written by one statement, so that a
-- peer can be given the same rows to write into the same tables. A peer's author would have to write
-- this himself; what a peer is spared here: it validates next to nothing, decides no versions, looks
-- for no ties, judges by two dates only, and takes no part in reuse, precedence or findings.
--
--   $1 the batch as JSON text, a list        $2 digest of the raw bytes ("sha256:…")
--   $3 how many bytes they are               $4 the bytes, compressed and encrypted
--   $5 connection and namespace              $6 client id
WITH told AS MATERIALIZED (
  SELECT d, (n - 1) AS place, d->>'code' AS code, (d->>'version')::bigint AS version,
         (d->>'updated_at')::timestamptz AS said_at, d->>'updated_at' AS said,
         d->>'national_code' AS national, d->>'receipt_number' AS number, d->>'agency' AS agency,
         d->>'status' AS status, d->'procedure'->>'code' AS procedure, d->>'channel' AS channel,
         ((d->>'accepted_at')::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS accepted_on,
         ((d->>'due_at')::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS due_on,
         ((d->>'finished_at')::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS finished_on
  FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS one(d, n)
), kept AS (
  INSERT INTO blob (digest, size_bytes, data) VALUES ($2::text, $3::bigint, $4::bytea)
  ON CONFLICT DO NOTHING
), seen AS (
  INSERT INTO agency_seen (code) SELECT DISTINCT agency FROM told ON CONFLICT DO NOTHING
), turn AS (
  UPDATE feed SET seq = seq + (SELECT count(*) FROM told), decided = decided + 1 WHERE id = 1
  RETURNING seq - (SELECT count(*) FROM told) AS before, decided, catalogue
), paper AS (
  INSERT INTO receipt (public_id, connection_id, client_id, shape, mapping_version,
    catalogue_version, received_at, digest, size_bytes, state, applied, superseded, duplicate,
    quarantined, pending, duplicates, attempts, decided_no, seal)
  SELECT gen_random_uuid()::text, $5::text, $6::text, 'json', 1, catalogue, now(), $2, $3,
    'decided', (SELECT count(*) FROM told), 0, 0, 0, 0, '[]', 0, decided,
    encode(sha256(convert_to($2, 'UTF8')), 'hex')
  FROM turn RETURNING id
), legs AS (
  INSERT INTO leg (namespace, code, generation, connection_id, fold, same_time)
  SELECT $5, code, 1, $5, concat('[{"snapshot":', (d - 'code' - 'version' - 'updated_at')::text,
    -- The hub keeps beside each of some 24 fields which record said it, and when.
    repeat(concat('[1,"', said, '",', (SELECT id FROM paper) << 20 | place, '],"', said, '"],'), 24),
    '}]'),
    false
  FROM told ORDER BY code RETURNING id, code
), numbered AS MATERIALIZED (
  SELECT told.*, legs.id AS leg, turn.before + place + 1 AS seq, paper.id AS paper,
    (paper.id << 20) | place AS record, gen_random_uuid()::text AS public
  FROM told JOIN legs USING (code), turn, paper
), records AS (
  INSERT INTO record (id, receipt_id, connection_id, leg_id, code, part, facet, version, sort_at,
    digest, disposition, seen, last_receipt_id)
  SELECT record, paper, $5, leg, code, '', 'snapshot', version, said_at,
    encode(sha256(convert_to(d::text, 'UTF8')), 'hex'), 'applied', 1, paper FROM numbered
), claims AS (
  INSERT INTO claim (leg_id, kind, key, code, live)
  SELECT leg, kind, key, key, true FROM numbered, LATERAL (VALUES ('national', national),
    ('receipt', agency || '/' || number), ('link', $5 || ':' || code)) AS made(kind, key)
  WHERE key IS NOT NULL
), entries AS (
  INSERT INTO timeline (leg_id, key, facet, status, at, officer, unit, note, record_id,
    from_record, in_history, arrived_late, known_seq)
  SELECT leg, left(md5(concat(status, said)), 24), 'snapshot', status, said_at, NULL, NULL, NULL,
    record, true, false, false, seq FROM numbered
  UNION ALL
  SELECT leg, left(md5(step::text), 24), 'snapshot', step->>'status', (step->>'at')::timestamptz,
    step->>'officer', step->>'unit', step->>'note', record, false, true, false, seq
  FROM numbered, jsonb_array_elements(d->'history') AS h(step)
), members AS (
  INSERT INTO member (leg_id, dossier_id) SELECT leg, leg FROM numbered
), dossiers AS (
  INSERT INTO dossier (id, public_id, agency, received_agency, procedure_code, status, channel,
    accepted_on, due_on, body, findings, pins, created_seq, changed_seq)
  SELECT leg, public, agency, agency, procedure, status, channel, accepted_on, due_on,
    concat((d - 'pin' - 'history')::text, ',"legs":[{"namespace":"', $5, '","code":"', code,
      '","generation":1,"role":"desk","status":"', status, '","updated_at":"', said, '"}]',
      -- and which leg said each of some 15 fields, and what was not said
      repeat(concat('"procedure":"', $5, ':', code, '",'), 15), repeat('"finished_at":null,', 12)),
    '[]', concat('["', encode(sha256(convert_to(d->>'pin', 'UTF8')), 'hex'), '"]'), seq, seq
  FROM numbered
), judgements AS (
  INSERT INTO judgement (dossier_id, received_agency, handling_agency, procedure_code, channel,
    accepted_on, first_due_on, from_day, kind, end_on, closed_on, due_on)
  SELECT leg, agency, agency, procedure, channel, accepted_on, due_on,
    coalesce(finished_on, accepted_on), CASE WHEN finished_on IS NULL THEN 'open' ELSE 'done'
    END, finished_on, finished_on, due_on FROM numbered
), changes AS (
  INSERT INTO change (seq, dossier_id, kind, at, receipt_id)
  SELECT seq, leg, 'created', now(), paper FROM numbered
)
SELECT (SELECT id FROM paper) AS receipt, count(*) AS stored FROM numbered
