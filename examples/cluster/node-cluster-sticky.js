"use strict";
// One program, three processes: Node's cluster with @socket.io/sticky. No other load balancer is needed.
//
//   npm install && node node-cluster-sticky.js
//
// Sticky by the session id, which every request after the first carries in its URL (?sid=...): it needs neither
// a cookie nor the client's address.

const cluster = require("cluster");
const http = require("http");
const { setupPrimary, setupWorker } = require("@socket.io/sticky");
const { createApp } = require("./app");

const port = Number(process.env.PORT || 3000);
const host = process.env.HOST || "127.0.0.1"; // 0.0.0.0 lets everyone in
const workers = 3;

if (cluster.isPrimary) {
  // The primary accepts the connections and hands each of them to a worker.
  const httpServer = http.createServer();
  setupPrimary(httpServer, { loadBalancingMethod: "least-connection" }); // or "round-robin", "random"

  // @socket.io/sticky 2 passes buffers to the workers. Without this line every connection ends in "socket hang up".
  cluster.setupPrimary({ serialization: "advanced" });

  for (let i = 0; i < workers; i++) {
    cluster.fork();
  }
  cluster.on("exit", (worker) => {
    console.error(`worker ${worker.id} died`);
    cluster.fork();
  });

  httpServer.listen(port, host, () => console.log(`listening on ${host}:${port}`));
} else {
  // A worker does not listen: its connections come from the primary.
  const httpServer = http.createServer();
  const io = createApp(httpServer, `worker ${cluster.worker.id}`);
  setupWorker(io);

  // While the primary hands a connection over it may still read from it, and what it reads is lost. On a very fast
  // network that happens to a client's first WebSocket packet now and then (@socket.io/sticky 2.0.1). The worker
  // gives up on a client that it hears nothing from, and the client connects again: after 5 seconds here, after 45
  // by default.
  io.connectTimeout(5000);
}
