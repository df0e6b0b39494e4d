"use strict";
// One node, to be run three times behind nginx, Apache httpd or HAProxy:
//
//   PORT=3001 node server.js
//   PORT=3002 node server.js
//   PORT=3003 node server.js

const http = require("http");
const { createApp } = require("./app");

const port = Number(process.env.PORT || 3001);
const host = process.env.HOST || "127.0.0.1"; // the load balancer runs on this machine

// HAProxy asks for /health. Requests for /socket.io/ never come here.
const httpServer = http.createServer((req, res) => {
  res.writeHead(req.url === "/health" ? 200 : 404).end();
});

createApp(httpServer, `node ${port}`);

httpServer.listen(port, host, () => {
  console.log(`listening on ${host}:${httpServer.address().port}`);
});
