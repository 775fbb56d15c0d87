// What the node peers share: checks of a few fields, rows in the words of typical.sql, and the same
// rows as the hub's (equal_rows.sql) with the raw bytes compressed and encrypted as the hub keeps them.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const zlib = require("zlib");

const folder = process.env.PEER_SQL;
const read = (name) => fs.readFileSync(path.join(folder, name), "utf8");
const equal = read("equal_rows.sql");
const merge = read("typical_merge.sql");
const key = crypto.createHash("sha256").update("bench").digest();

function check(dossiers) {
  for (const d of dossiers) {
    if (typeof d.code !== "string" || !Number.isInteger(d.version) ||
        typeof d.status !== "string" || isNaN(Date.parse(d.updated_at))) return false;
  }
  return true;
}

function typicalRow(d) {
  return {
    source: "desk", code: d.code, version: d.version, national_code: d.national_code,
    receipt_number: d.receipt_number, procedure_code: d.procedure && d.procedure.code,
    agency: d.agency, status: d.status, channel: d.channel, accepted_at: d.accepted_at,
    due_at: d.due_at, finished_at: d.finished_at, updated_at: d.updated_at,
    applicant: d.applicant, body: d,
  };
}

function sealed(raw) {
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce);
  const packed = zlib.deflateSync(raw, { level: 1 });
  return Buffer.concat([nonce, cipher.update(packed), cipher.final(), cipher.getAuthTag()]);
}

// One batch of new dossiers, as the hub would store it; one statement, one commit.
function storeEqual(client, raw, dossiers, connection) {
  const digest = "sha256:" + crypto.createHash("sha256").update(raw).digest("hex");
  const values = [JSON.stringify(dossiers), digest, raw.length, sealed(raw), connection,
    process.env.PEER_CLIENT || null];
  return client.query({ name: "equal", text: equal, values });
}

// A batch in one statement, into the tables of typical.sql.
function storeTypical(client, dossiers) {
  const values = [JSON.stringify(dossiers.map(typicalRow))];
  return client.query({ name: "merge", text: merge, values });
}

// A batch row by row in one transaction, as a flow is usually drawn.
async function storeRowByRow(pool, dossiers) {
  if (dossiers.length === 1) return storeTypical(pool, dossiers);
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    for (const d of dossiers) await storeTypical(client, [d]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

module.exports = { check, storeEqual, storeTypical, storeRowByRow };
