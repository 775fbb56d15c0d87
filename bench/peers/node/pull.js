// node fetch + pg, and node-soap + pg: all pages of 500, the next one asked for while one is written.
// PEER_WAY: rest-equal, soap-written or soap-equal.
"use strict";
const modules = process.env.PEER_MODULES;
const { Client } = require(modules + "/pg");
const { storeEqual, storeTypical } = require(process.env.PEER_CODE + "/rows.js");
const way = process.env.PEER_WAY;
const base = "http://127.0.0.1:" + process.env.PEER_SOURCE;
const records = Number(process.env.PEER_RECORDS);
const PAGE = 500;
const DAY = 86400000;

const iso = (ms) => (ms ? new Date(ms).toISOString() : null);
const STATUS = { new: "accepted", processing: "in_progress", waiting: "supplement",
  releasing: "finished", done: "handed_over" };
const AGENCY = { SNV: "H50.06", HHL: "H50.15", HTP: "H50.16", HGL: "H50.17" };

// A row of the one-stop app in the hub's words, as far as equal_rows.sql stores it.
function fromApp(row) {
  return {
    code: row.referenceUid, version: row.modifiedDate, updated_at: iso(row.modifiedDate),
    national_code: row.dossierNo, pin: row.password,
    procedure: { code: row.serviceCode, name: row.serviceName, domain: row.domainName },
    agency: AGENCY[row.govAgencyCode], status: STATUS[row.dossierStatus],
    raw_status: row.dossierStatus, step: row.dossierSubStatusText,
    channel: row.online ? "online" : "direct", service_level: row.serviceLevel,
    applicant: { kind: "person", name: row.applicantName, id_number: row.applicantIdNo,
      phone: row.contactTelNo, email: row.contactEmail, address: row.address },
    submitted_at: iso(row.submitDate), accepted_at: iso(row.receiveDate), due_at: iso(row.dueDate),
    finished_at: iso(row.releaseDate), handed_over_at: iso(row.finishDate),
    history: row.dossierActions.map((a) => ({ status: STATUS[a.statusCode],
      at: iso(a.createDate), officer: a.actionUser, unit: a.unit, note: a.actionNote })),
  };
}

const moment = (told) => `${told.slice(6, 10)}-${told.slice(3, 5)}-${told.slice(0, 2)}`;

// A licence application in the hub's words.
function fromLicence(row) {
  const at = moment(row.NGAYNOPHOSO1) + "T" + row.NGAYNOPHOSO1.slice(11) + "+07:00";
  return {
    code: row.MaDK1, version: 1, updated_at: at, agency: "H50.19",
    procedure: { code: row.MALOAIHOSO1.trim() === "1" ? "1.002835" : "1.002809" },
    status: { "01": "accepted", "09": "finished", 10: "handed_over", 16: "supplement" }[
      row.TRANGTHAIXULY1] || "in_progress",
    applicant: { name: row.HOTENNGUOINOP1.trim(), id_number: row.SOCMND1,
      address: row.MOTADIACHITHUONGTRU1.trim() },
    accepted_at: at, due_at: moment(row.NGAYHENTRA1) + "T17:00:00+07:00", history: [],
  };
}

async function source() {
  if (way === "rest-equal") {
    return async (page) => {
      const said = await fetch(`${base}/rest?offset=${page * PAGE}&limit=${PAGE}`);
      const raw = Buffer.from(await said.arrayBuffer());
      return [raw, JSON.parse(raw).items.map(fromApp)];
    };
  }
  const soap = require(modules + "/soap");
  const client = await soap.createClientAsync(base + "/TichHopMotCua/Service.asmx?wsdl");
  const first = Date.parse(process.env.PEER_FROM + "T00:00:00Z");
  const day = (ms) => {
    const [year, month, date] = new Date(ms).toISOString().slice(0, 10).split("-");
    return `${date}/${month}/${year}`;
  };
  return async (page) => {
    const from = first + page * 30 * DAY;
    const asked = { tuNgay: day(from), denNgay: day(from + 29 * DAY) };
    const [said, raw] = await client.getHoSoMotCuaAsync(asked);
    return [Buffer.from(raw), said.getHoSoMotCuaResult.HoSoMotCua.map(fromLicence)];
  };
}

async function main() {
  const store = new Client({ connectionString: process.env.PEER_URL });
  await store.connect();
  const get = await source();
  const pages = Math.ceil(records / PAGE);
  const connection = way.startsWith("rest") ? "snv" : "gtvt";
  let next = get(0);
  for (let page = 0; page < pages; page++) {
    const [raw, dossiers] = await next;
    if (page + 1 < pages) next = get(page + 1);
    if (way.endsWith("equal")) await storeEqual(store, raw, dossiers, connection);
    else await storeTypical(store, dossiers);
  }
  await store.end();
}

main().catch((error) => { console.error(error); process.exit(1); });
