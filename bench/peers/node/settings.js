// Node-RED as its manual sets it up for production, on loopback, with a pool of eight connections.
"use strict";
const modules = process.env.PEER_MODULES;
const { Pool } = require(modules + "/pg");

module.exports = {
  uiPort: Number(process.env.PEER_PORT),
  uiHost: "127.0.0.1",
  flowFile: process.env.PEER_FLOWS,
  apiMaxLength: "64mb",
  httpAdminRoot: false,
  credentialSecret: "bench",
  functionGlobalContext: {
    pool: new Pool({ connectionString: process.env.PEER_URL, max: 8 }),
    rows: require(process.env.PEER_CODE + "/rows.js"),
  },
  logging: { console: { level: "warn" } },
};
