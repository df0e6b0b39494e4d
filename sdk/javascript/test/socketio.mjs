// Starts real Socket.IO servers, with a client each, that answer.
import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient, createCluster } from "redis-6";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { until } from "./redis.mjs";

/** How servers are joined: the option of the emitter, and what makes their adapter. */
export const adapters = {
  classic: ["classic", async (newClient) => createAdapter(await newClient(), await newClient())],
  "classic with response channels of their own": [
    "classic",
    async (newClient) =>
      createAdapter(await newClient(), await newClient(), { publishOnSpecificResponseChannel: true }),
  ],
  sharded: ["sharded", async (newClient) => createShardedAdapter(await newClient(), await newClient())],
  streams: ["streams", async (newClient) => createStreamsAdapter(await newClient())],
};

/** Starts a server named by its number, with one client that is in the rooms "all", 5 and its number's. */
async function startServer(i, url, isCluster, makeAdapter) {
  const redis = [];
  const newClient = async () => {
    const client = isCluster ? createCluster({ rootNodes: [{ url }] }) : createClient({ url });
    client.on("error", () => {});
    redis.push(await client.connect());
    return client;
  };
  const http = createServer().listen(0, "127.0.0.1");
  const io = new Server(http, { adapter: await makeAdapter(newClient) });
  const statuses = [];
  io.on("status", (...args) => {
    const answer = args.pop();
    statuses.push(args);
    answer({ server: i, got: args });
  });
  io.on("connection", (socket) => {
    socket.data = { i, bytes: Buffer.of(i, 255) };
    socket.join(["all", 5, `room${i}`]);
  });
  await until("it listens", () => http.address());
  const socket = connect(`http://127.0.0.1:${http.address().port}`, { transports: ["websocket"] });
  socket.on("ready?", (...args) => args.pop()({ client: i, got: args }));
  socket.on("nothing?", (answer) => answer());
  socket.on("large?", (n, answer) => answer("x".repeat(n)));
  socket.on("first only?", (answer) => i === 0 && answer("first"));
  const events = [];
  socket.onAny((...event) => events.push(event));
  await until("the client is connected", () => socket.connected);
  return {
    events,
    statuses,
    socket,
    io,
    close: async () => {
      socket.disconnect();
      await io.close();
      for (const client of redis) {
        await client.close();
      }
    },
  };
}

/** Starts two servers that are joined by an adapter, for a test. */
export async function startServers(t, url, name, { isCluster = false } = {}) {
  const [, makeAdapter] = adapters[name];
  const servers = [];
  t.after(() => Promise.all(servers.map((server) => server.close())));
  for (let i = 0; i < 2; i++) {
    servers.push(await startServer(i, url, isCluster, makeAdapter));
  }
  return { servers };
}
