// A shard channel for replies whose slot moves from node to node of a Redis Cluster, of which a client does not hear.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Cluster } from "ioredis";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";
import { Emitter } from "sioemit";
import { makeCertificate } from "./certificate.mjs";
import { startProxy } from "./proxy.mjs";
import { startCluster, until } from "./redis.mjs";
import { ioredisOf, opened, refusal, socketOf } from "./support.mjs";

const nodeRedis =
  ({ createCluster }) =>
  ({ port, map, password, ca }) => {
    const rootNodes = [{ url: `${ca ? "rediss" : "redis"}://127.0.0.1:${port}` }];
    const defaults = { password, socket: ca && { tls: true, ca } };
    return opened(createCluster({ rootNodes, defaults, nodeAddressMap: map }));
  };

/** Each connects to a cluster by the port of a node, and finds others by a map of addresses. */
const clients = {
  "node-redis-5": nodeRedis(redis5),
  "node-redis-6": nodeRedis(redis6),
  "ioredis-5": ({ port, map, password, ca }) =>
    ioredisOf(
      new Cluster([{ host: "127.0.0.1", port }], { redisOptions: { password, tls: ca && { ca } }, natMap: map }),
    ),
};

/** The one on which a server is asked, whose slot stays, and the one on which it answers. */
const [questions, replies] = ["socket.io#/#", "socket.io#/#emitter#"];

/** Starts a server that listens where the slot of its channel is. */
async function startServer(t, { nodes }) {
  const admins = nodes.map(({ admin }) => admin);
  const ids = await Promise.all(admins.map((admin) => admin.call("CLUSTER", "MYID")));
  const slotOf = (channel) => admins[0].cluster("KEYSLOT", channel);
  const slot = await slotOf(replies);
  const ownerOf = async (wanted) => {
    const ranges = await admins[0].cluster("SLOTS");
    const [, , [, , id]] = ranges.find(([from, to]) => from <= wanted && wanted <= to);
    return ids.indexOf(id);
  };
  const home = await ownerOf(slot);
  let owner = home;
  const listener = admins[await ownerOf(await slotOf(questions))].duplicate();
  t.after(() => listener.disconnect());
  let asked = 0;
  listener.on("smessage", (_, text) => {
    asked++;
    const { nsp, data } = JSON.parse(text);
    const reply = { type: 8, uid: "server", nsp, data: { requestId: data.requestId, sockets: [socketOf("s")] } };
    admins[owner].spublish(replies, JSON.stringify(reply));
  });
  await listener.ssubscribe(questions);
  const tell = (node, of) => admins[node].cluster("SETSLOT", slot, "NODE", ids[of]);
  const move = async (to) => {
    // The new owner first, in an epoch in which none that has not heard of it yet will object.
    await tell(to, to);
    await admins[to].cluster("BUMPEPOCH");
    await Promise.all(admins.map((_, node) => tell(node, to)));
    owner = to;
  };
  t.after(() => move(home));
  const sum = async (count) => (await Promise.all(admins.map(count))).reduce((a, b) => a + b, 0);
  return {
    home,
    tell,
    move,
    asked: () => asked,
    /** How often Redis has said that a slot is elsewhere. */
    refusals: () =>
      sum(async (admin) => Number(/errorstat_MOVED:count=(\d+)/.exec(await admin.info("errorstats"))?.[1] ?? 0)),
    noConnectionIsLeft: () =>
      until("no connection for replies is left", async () => {
        const lists = await Promise.all(admins.map((admin) => admin.client("LIST")));
        return !lists.some((list) => list.includes(" name=sioemit-replies "));
      }),
  };
}

function emitterOf(client) {
  return new Emitter(client, { adapter: "sharded" }).timeout(60_000);
}

async function connected(t, connect, options) {
  const { client, close } = await connect(options);
  t.after(close);
  await until(
    "the client is ready",
    async () =>
      (await emitterOf(client)
        .serverCount()
        .catch(() => 0)) === 1,
  );
  return client;
}

suite("a slot that moves to another node", () => {
  const spare = 3;
  let cluster;
  before(async () => {
    cluster = await startCluster({ spares: 1 });
  });
  after(() => cluster?.close());
  const port = () => cluster.nodes[0].port;
  const address = (node) => `127.0.0.1:${cluster.nodes[node].port}`;

  for (const [variant, connect] of Object.entries(clients)) {
    test(`${variant} goes to the node that Redis names`, async (t) => {
      const server = await startServer(t, cluster);
      const client = await connected(t, connect, { port: port() });
      const kept = emitterOf(client);
      assert.equal((await kept.fetchSockets()).length, 1);
      for (const [to, emitters] of [
        [(server.home + 1) % 3, [emitterOf(client), kept]],
        [spare, [kept, emitterOf(client)]], // which the client has never met
      ]) {
        await server.move(to);
        for (const [i, io] of emitters.entries()) {
          const before = await server.refusals();
          assert.equal((await io.fetchSockets()).length, 1);
          assert.ok(i > 0 || (await server.refusals()) > before, "the client had heard of it");
          assert.equal(await io.confirm(), 1);
        }
        if (variant === "ioredis-5") {
          await new Promise((resolve) => client.refreshSlotsCache(resolve)); // it was looking, and would hear of the next
        }
      }
      assert.equal(server.asked(), 9);
      await server.noConnectionIsLeft();
    });

    for (const [reason, end] of [
      ["aborted", ({ controller }) => controller.abort()],
      ["closed", ({ io }) => io.close()],
      ["subscription", () => {}], // the time of the call runs out
    ]) {
      test(`${variant} is on its way when a call ends: ${reason}`, async (t) => {
        const server = await startServer(t, cluster);
        const proxy = await startProxy(cluster.nodes[spare].port);
        t.after(() => proxy.close());
        const map = { [address(spare)]: { host: "127.0.0.1", port: proxy.port } };
        const client = await connected(t, connect, { port: port(), map });
        await server.move(spare);
        proxy.hooks.toRedis = () => {}; // the node takes a connection, and says nothing
        const controller = new AbortController();
        const io = new Emitter(client, { adapter: "sharded" });
        const signalled = io.signal(controller.signal);
        let error;
        await until("the call is on its way", async () => {
          if (reason === "subscription") {
            error = await signalled
              .timeout(1000)
              .fetchSockets()
              .catch((error) => error);
          } else {
            error ??= signalled
              .timeout(60_000)
              .fetchSockets()
              .catch((error) => error);
          }
          return proxy.opened > 0;
        });
        end({ controller, io });
        assert.ok(refusal(reason)(await error), String(await error));
        await until("nothing is left of it", () => proxy.sockets.size === 0);
        await server.noConnectionIsLeft();
        proxy.hooks = {};
        assert.equal((await emitterOf(client).fetchSockets()).length, 1);
        assert.equal(server.asked(), 1);
      });
    }

    test(`${variant} stops when nodes name each other`, async (t) => {
      const server = await startServer(t, cluster);
      const client = await connected(t, connect, { port: port() });
      const before = await server.refusals();
      await server.tell(server.home, (server.home + 1) % 3); // which knows nothing of that
      await assert.rejects(emitterOf(client).fetchSockets(), refusal("subscription", /MOVED/));
      assert.equal((await server.refusals()) - before, 6);
      assert.equal(server.asked(), 0);
      await server.noConnectionIsLeft();
    });
  }

  // ioredis asks on the same connection where the channel is, and so gets the answer to the ping first.
  for (const variant of ["node-redis-5", "node-redis-6"]) {
    test(`${variant} does not wait for the answer to the ping of a connection that it leaves`, async (t) => {
      const server = await startServer(t, cluster);
      const proxy = await startProxy(cluster.nodes[server.home].port);
      t.after(() => proxy.close());
      const map = { [address(server.home)]: { host: "127.0.0.1", port: proxy.port } };
      const client = await connected(t, clients[variant], { port: port(), map });
      await server.move((server.home + 1) % 3);
      let pings = 0;
      proxy.hooks = {
        toRedis: ({ bytes, pass, state }) => {
          if (state.answer && bytes.includes("PING")) {
            pings++;
            state.answer();
          } else {
            pass();
          }
        },
        toClient: ({ bytes, pass, state }) => {
          if (bytes.includes("-MOVED ")) {
            state.answer = pass;
          } else {
            pass();
          }
        },
      };
      assert.equal((await emitterOf(client).fetchSockets()).length, 1);
      assert.equal(pings, 1);
    });
  }
});

suite("a node that a client has never met", () => {
  const password = "S3cr3t";
  let cluster;
  let files;
  before(async () => {
    files = await makeCertificate();
    cluster = await startCluster({ masters: 1, spares: 1, password, tls: files });
  });
  after(async () => {
    await cluster?.close();
    await files?.remove();
  });
  for (const [variant, connect] of Object.entries(clients)) {
    test(`${variant} gets there over TLS, with its password, by its map of addresses`, async (t) => {
      const server = await startServer(t, cluster);
      const map = Object.fromEntries(
        cluster.nodes.map(({ announcedPort, tlsPort }) => [
          `127.0.0.1:${announcedPort}`,
          { host: "127.0.0.1", port: tlsPort },
        ]),
      );
      const { ca } = files;
      for (const mapped of [map, (address) => map[address]]) {
        await server.move(server.home);
        const options = { port: cluster.nodes[0].tlsPort, map: mapped, password, ca };
        const client = await connected(t, connect, options);
        await server.move(1);
        const before = await server.refusals();
        assert.equal((await emitterOf(client).fetchSockets()).length, 1);
        assert.ok((await server.refusals()) > before);
      }
    });
  }
});
