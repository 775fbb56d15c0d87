// Pushes through one of the hub's SOAP doors with node-soap, knowing nothing but its WSDL.
//
//   node push.js WSDL_URL canonical|city USER PASSWORD ARGUMENTS.json [--port NAME] [--soap12]
//
// canonical  PushDossiers at /soap/v1; the credentials go as HTTP Basic.
// city       pushDocument at /soap/v1/connections/ID, in the one-stop app's own contract; the
//            credentials go into the list inside arg0, as fields userName and password.
//
// ARGUMENTS.json holds what the operation takes, e.g. {"dossier": [{...}]} or
// {"arg0": {"userName": null, "password": null, "ossDocumentSoapList": [...]}}; names stand there in
// the order of the contract, with null where the credentials belong.
//
// Prints one JSON line: {"ok": true, "result": {...}} and exits 0, or
// {"ok": false, "status": 500, "fault": {"code", "text", "detail"}} and exits 3. Anything else that
// goes wrong is told on stderr, with exit 1. Where node-soap is installed elsewhere than beside this
// file, LIENTHONG_NODE_MODULES names the node_modules folder.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const { parseArgs } = require("node:util");

const OPERATIONS = { canonical: "PushDossiers", city: "pushDocument" };

function loadSoap() {
  const folder = process.env.LIENTHONG_NODE_MODULES || path.join(__dirname, "node_modules");
  return createRequire(path.join(path.resolve(folder), "from-here.js"))("soap");
}

function readCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { port: { type: "string" }, soap12: { type: "boolean", default: false } },
  });
  if (positionals.length !== 5 || !(positionals[1] in OPERATIONS)) {
    throw new Error(
      "usage: node push.js WSDL_URL canonical|city USER PASSWORD ARGUMENTS.json [--port NAME] [--soap12]",
    );
  }
  const [wsdl, kind, user, password, file] = positionals;
  return { ...values, wsdl, kind, user, password, told: JSON.parse(readFileSync(file, "utf8")) };
}

// One method of one port: a WSDL that offers 1.1 and 1.2 has a port for each.
function methodOf(client, operation, port) {
  if (port === undefined) {
    return client[`${operation}Async`].bind(client);
  }
  for (const [service, { ports }] of Object.entries(client.wsdl.definitions.services)) {
    if (port in ports) {
      const call = client[service][port][operation];
      return (told) =>
        new Promise((resolve, reject) => {
          call(told, (error, result) => (error ? reject(error) : resolve([result])));
        });
    }
  }
  throw new Error(`the WSDL has no port ${port}`);
}

// SOAP 1.1 and 1.2 name the same three things differently.
function faultOf(error) {
  const fault = error.root && error.root.Envelope && error.root.Envelope.Body.Fault;
  if (!fault) {
    return null;
  }
  const text = (value) =>
    value !== null && typeof value === "object" && "$value" in value ? value.$value : value;
  const code = fault.Code ? text(fault.Code.Value) : text(fault.faultcode);
  const said = fault.Reason ? text(fault.Reason.Text) : text(fault.faultstring);
  return { code, text: said, detail: fault.Detail ?? fault.detail ?? null };
}

async function main() {
  const soap = loadSoap();
  const { wsdl, kind, user, password, told, port, soap12 } = readCommandLine();
  const options = { forceSoap12Headers: soap12 };
  const basic = kind === "canonical" ? new soap.BasicAuthSecurity(user, password) : null;
  if (basic) {
    const headers = {};
    basic.addHeaders(headers);
    options.wsdl_headers = headers;
  }
  const client = await soap.createClientAsync(wsdl, options);
  if (basic) {
    client.setSecurity(basic);
  } else {
    Object.assign(told.arg0, { userName: user, password });
  }
  try {
    const [result] = await methodOf(client, OPERATIONS[kind], port)(told);
    console.log(JSON.stringify({ ok: true, result }));
  } catch (error) {
    const fault = faultOf(error);
    if (fault === null) {
      throw error;
    }
    const status = error.response ? error.response.status : null;
    console.log(JSON.stringify({ ok: false, status, fault }));
    process.exitCode = 3;
  }
}

main().catch((error) => {
  console.error(error.message); // never the request: it holds the credentials
  process.exitCode = 1;
});
