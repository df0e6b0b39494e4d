// Tells the browsers of a Socket.IO cluster about an order:
//
//	REDIS_URL=redis://localhost:6379 node notify.mjs
import { createClient } from "redis";
import { Emitter } from "sioemit";

const redis = createClient({ url: process.env.REDIS_URL });
redis.on("error", (error) => console.error("Redis:", error.message));
await redis.connect();

const io = new Emitter(redis, {
  // Gets what goes wrong with calls that nobody awaits.
  onError: (error) => console.error(`${error.reason}: ${error.message}`),
});

if ((await io.serverCount()) === 0) {
  console.error("no server listens: do they use this Redis, and the classic adapter with this key?");
}

const order = { id: 12345, title: "Order shipped", receipt: Buffer.from("%PDF-1.7") };
await io.to(`user:${order.id}`).except("muted").emit("order", order);

// Many at once go in one round trip.
await io.pipeline((io) => {
  for (const user of ["ada", "grace", "alan"]) {
    io.to(`user:${user}`).emit("typing", { user: "support" });
  }
});

await redis.close();
