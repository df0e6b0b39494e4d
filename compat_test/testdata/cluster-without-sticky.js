"use strict";
// The counter-check of examples/cluster/node-cluster-*.js: the same application, no sticky sessions.

const cluster = require("cluster");
const http = require("http");
const { createApp } = require(process.env.APP);

if (cluster.isPrimary) {
  for (let i = 0; i < 3; i++) {
    cluster.fork();
  }
} else {
  // Node gives each connection to the next worker.
  const httpServer = http.createServer();
  createApp(httpServer, `worker ${cluster.worker.id}`);
  httpServer.listen(Number(process.env.PORT), "127.0.0.1");
}
