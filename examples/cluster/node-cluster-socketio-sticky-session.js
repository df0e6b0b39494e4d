"use strict";
// One program, three processes: Node's cluster with socketio-sticky-session.
//
//   npm install && node node-cluster-socketio-sticky-session.js
//
// Sticky by the client's address: all clients behind one proxy or one office's router share one worker.
//
//   PROXY=1 node node-cluster-socketio-sticky-session.js
//
// Sticky by the X-Forwarded-For header, for use behind a proxy that sets it. THIS DOES NOT WORK since Node 12:
// the package puts the bytes that it has read back through an internal function of Node, which has changed, and
// the worker answers every request with HTTP 400. See docs/load-balancers.md.
//
// It is an old package. For something new take node-cluster-sticky.js.

const cluster = require("cluster");
const http = require("http");
const sticky = require("socketio-sticky-session");
const { createApp } = require("./app");

const port = Number(process.env.PORT || 3000);
const host = process.env.HOST || "127.0.0.1"; // 0.0.0.0 lets everyone in
const proxy = process.env.PROXY === "1";

// The function runs in each worker. The server that sticky returns listens in the primary only.
const server = sticky({ num: 3, proxy, header: "x-forwarded-for" }, () => {
  const httpServer = http.createServer();
  createApp(httpServer, `worker ${cluster.worker.id}`);

  httpServer.on("clientError", (err, socket) => {
    console.error(`worker ${cluster.worker.id}: ${err.code}: ${err.message}`);
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  });
  return httpServer;
});

if (cluster.isPrimary) {
  server.listen(port, host, () => console.log(`listening on ${host}:${port}`));
}
