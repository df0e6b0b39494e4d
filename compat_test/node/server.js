"use strict";
// One Socket.IO server of any generation, joined to a cluster through Redis.
//
//   node server.js '{"server":"socket.io-4",
//                    "adapter":{"package":"redis-adapter-8","kind":"classic","options":{"key":"k"}},
//                    "redis":{"url":"redis://127.0.0.1:6379"},
//                    "namespaces":["/admin"]}'
//
// It prints {"ready":true,"port":N} once every Redis subscription is in place, then {"serverSide":...} for each
// serverSideEmit it receives, and exits when its standard input closes, so that it never outlives its parent.

const http = require("http");
const net = require("net");
const { openRedis } = require("./redis");

const config = JSON.parse(process.argv[2]);

function print(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();

const jsonParser = { encode: JSON.stringify, decode: JSON.parse };

function createAdapter(redis) {
  const pkg = require(config.adapter.package);
  const options = { ...config.adapter.options };
  if (options.parser === "json") {
    options.parser = jsonParser;
  }
  switch (config.adapter.kind) {
    case "sharded":
      return pkg.createShardedAdapter(redis.pub, redis.sub, options);
    case "streams":
      return pkg.createAdapter(redis.pub, options);
    case "classic":
      if (config.adapter.package.startsWith("socket.io-redis-")) {
        // They take their connections among the options.
        return (pkg.createAdapter || pkg)({ ...options, pubClient: redis.pub, subClient: redis.sub });
      }
      return pkg.createAdapter(redis.pub, redis.sub, options);
    default:
      throw new Error("unknown adapter kind " + config.adapter.kind);
  }
}

// joinRooms returns once Redis knows of the rooms as well: some adapters subscribe to a channel per room.
function joinRooms(socket, rooms) {
  return Promise.all(
    rooms.map((room) =>
      socket.join.length > 1
        ? new Promise((resolve, reject) => socket.join(room, (err) => (err ? reject(err) : resolve())))
        : socket.join(room)
    )
  );
}

function leaveRooms(socket, rooms) {
  return Promise.all(
    rooms.map((room) =>
      socket.leave.length > 1
        ? new Promise((resolve, reject) => socket.leave(room, (err) => (err ? reject(err) : resolve())))
        : socket.leave(room)
    )
  );
}

// After an acknowledgement, `settled` has run: whatever the change made the adapter subscribe to is subscribed.
function serve(nsp, redis) {
  nsp.on("connection", (socket) => {
    const handle = (event, change) =>
      socket.on(event, (value, ack) => {
        Promise.resolve(change(value))
          .then(() => redis.settled())
          .then(
            () => ack({ id: socket.id }),
            (err) => ack({ id: socket.id, error: String(err) })
          );
      });
    handle("join", (rooms) => joinRooms(socket, rooms));
    handle("leave", (rooms) => leaveRooms(socket, rooms));
    handle("data", (data) => {
      socket.data = data;
    });
    handle("circular", () => {
      socket.data.self = socket.data;
    });
    // What the server itself sees of the cluster, and how long it takes to see it.
    socket.on("fetch", (_, ack) => {
      const start = Date.now();
      nsp.fetchSockets().then(
        (sockets) => ack({ id: socket.id, ids: sockets.map((s) => s.id), ms: Date.now() - start }),
        (err) => ack({ id: socket.id, error: String(err) })
      );
    });
  });

  if (typeof nsp._onServerSideEmit === "function" && !config.serverSideAsIs) {
    nsp._onServerSideEmit = (args) => {
      const ack = typeof args[args.length - 1] === "function" ? args.pop() : undefined;
      print({ serverSide: { namespace: nsp.name, event: args[0], args: args.slice(1), ack: ack !== undefined } });
      if (ack && config.serverSideAck !== undefined) {
        ack(config.serverSideAck);
      }
    };
  }
}

function listen(server, port, host) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server.address().port));
  });
}

async function main() {
  const redis = await openRedis(config);
  const server = http.createServer();
  const io = require(config.server)(server, config.options || {});
  if (config.generateId) {
    let n = 0;
    io.engine.generateId = () => config.generateId + ++n;
  }
  io.adapter(createAdapter(redis));
  for (const name of ["/", ...(config.namespaces || [])]) {
    serve(io.of(name), redis);
  }
  await redis.ready(1 + (config.namespaces || []).length);

  const port = await listen(server, config.port || 0, config.host || "127.0.0.1");
  for (const host of config.extraHosts || []) {
    // A second listener hands its connections to the same HTTP server.
    await listen(net.createServer((socket) => server.emit("connection", socket)), port, host);
  }
  print({ ready: true, port });
}

process.on("unhandledRejection", (err) => {
  throw err;
});
main().catch((err) => {
  console.error(err);
  process.exit(1);
});
