"use strict";
// One program, three processes: Node's cluster with sticky-session.
//
//   npm install && node node-cluster-sticky-session.js
//
// Sticky by the client's address: all clients behind one proxy or one office's router share one worker.
// It is an old package. For something new take node-cluster-sticky.js.

const cluster = require("cluster");
const http = require("http");
const sticky = require("sticky-session");
const { createApp } = require("./app");

const port = Number(process.env.PORT || 3000);
const host = process.env.HOST || "127.0.0.1"; // 0.0.0.0 lets everyone in

const httpServer = http.createServer();

// sticky.listen is false in the primary, which balances, and true in a worker, which serves.
if (sticky.listen(httpServer, { host, port }, { workers: 3 })) {
  createApp(httpServer, `worker ${cluster.worker.id}`);
} else {
  httpServer.once("listening", () => console.log(`listening on ${host}:${port}`));
}
