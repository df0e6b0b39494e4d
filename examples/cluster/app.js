"use strict";
// Your application: it is the same behind every load balancer of this folder.
//
//   const io = createApp(httpServer, "node 1");
//
// The Redis adapter is what lets the nodes, and sioemit, reach every client, whichever node it is connected to.

const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");

function createApp(httpServer, name) {
  const pub = createClient({ url: process.env.REDIS_URL || "redis://localhost:6379" });
  const sub = pub.duplicate();
  for (const client of [pub, sub]) {
    client.on("error", (err) => console.error("redis:", err.message)); // it goes on trying
    client.connect();
  }

  const io = new Server(httpServer, { adapter: createAdapter(pub, sub) });

  io.on("connection", (socket) => {
    socket.emit("welcome", name); // shows which node the load balancer has chosen

    // A real application decides itself who may join what.
    socket.on("join", async (rooms, done) => {
      await socket.join(rooms);
      done({ id: socket.id });
    });
  });
  return io;
}

module.exports = { createApp };
