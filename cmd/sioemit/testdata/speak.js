"use strict";
// A Socket.IO server of any generation that says something to its cluster and ends. It is given the folder of the
// npm packages, and {"server","adapter","redis","say"} as compat_test/node/server.js is. It prints what it learned.

const http = require("http");
const path = require("path");
const { createRequire } = require("module");

const load = createRequire(path.join(process.argv[2], "server.js"));
const config = JSON.parse(process.argv[3]);
const { openRedis } = load("./redis");
// They take their connections among the options, and these know no promises.
const isOld = config.adapter.package.startsWith("socket.io-redis-");

function createAdapter(redis) {
  const pkg = load(config.adapter.package);
  const options = { ...config.adapter.options };
  if (config.adapter.kind === "sharded") {
    return pkg.createShardedAdapter(redis.pub, redis.sub, options);
  }
  if (config.adapter.kind === "streams") {
    return pkg.createAdapter(redis.pub, options);
  }
  if (isOld) {
    return (pkg.createAdapter || pkg)({ ...options, pubClient: redis.pub, subClient: redis.sub });
  }
  return pkg.createAdapter(redis.pub, redis.sub, options);
}

function events(io) {
  io.emit("all", 1, "é 😀", { a: [true, null, 1.5] });
  io.to("r1").emit("one", Buffer.from([1, 255]), { deep: [Buffer.from("x")] });
  io.to("r1").to("r2").emit("two");
  io.of("/admin").emit("admin");
  if (io.except) {
    io.to("r1").except("x").volatile.emit("more", new Date(0), NaN, { gone: undefined });
    io.compress(false).emit("plain");
  }
  io.emit("end");
}

const called = (call) => new Promise((resolve) => call((err, value) => resolve(err ? String(err) : value)));

async function requests(io) {
  io.in("r1").socketsJoin(["vip"]);
  io.in("r1").socketsLeave("vip");
  io.in("nobody").disconnectSockets(true);
  io.serverSideEmit("note", 1);
  const learned = { took: 0 }; // by the call that took the longest
  const timed = async (answer) => {
    const started = Date.now();
    const value = await answer;
    learned.took = Math.max(learned.took, Date.now() - started);
    return value;
  };
  learned.sockets = (await timed(io.fetchSockets().catch(String))).length;
  learned.acks = await timed(called((done) => io.timeout(10000).emit("ping", "x", done)));
  if (config.adapter.kind === "classic") {
    learned.rooms = [...(await io.of("/").adapter.allRooms())].length;
  }
  learned.answers = await called((done) => io.serverSideEmit("status", done));
  io.emit("end");
  return learned;
}

async function main() {
  const redis = await openRedis(config);
  const io = load(config.server)(http.createServer(), {});
  io.adapter(createAdapter(redis));
  io.of("/admin");
  await redis.ready(config.server === "socket.io-1" || config.server === "socket.io-2" ? 1 : 2);
  const learned = await (config.say === "requests" ? requests(io) : events(io));
  // Commands of one connection are carried out in order: these come last.
  if (isOld) {
    await new Promise((resolve) => redis.pub.publish("settled", "1", resolve));
  } else {
    await new Promise((resolve) => setImmediate(resolve));
    await redis.pub.publish("settled", "1");
  }
  process.stdout.write(JSON.stringify(learned || {}) + "\n", () => process.exit(0));
}

process.on("unhandledRejection", (err) => {
  throw err;
});
main().catch((err) => {
  console.error(err);
  process.exit(1);
});
