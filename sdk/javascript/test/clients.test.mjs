// Each Redis client that is supported, on real servers.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { inspect } from "node:util";
import { Cluster, Redis } from "ioredis";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";
import { Emitter } from "sioemit";
import { clients } from "../conformance/clients.mjs";
import { startCluster, startRedis, startSentinel, until } from "./redis.mjs";
import { decode, refusal } from "./support.mjs";

/** Remembers what comes on a Redis, by pattern; an event "end" on the channel "end" shows that all before has come. */
async function listen(port, channels = []) {
  const subscriber = new Redis({ port, host: "127.0.0.1" });
  const messages = [];
  subscriber.on("pmessageBuffer", (_pattern, channel, message) => messages.push([String(channel), message]));
  subscriber.on("smessageBuffer", (channel, message) => messages.push([String(channel), message]));
  await subscriber.psubscribe("*");
  if (channels.length > 0) {
    await subscriber.ssubscribe(...channels);
  }
  return {
    messages,
    close: () => subscriber.disconnect(),
    /** Waits until so many have come, and shows that no more do. */
    async exactly(n) {
      await until(`${n} messages`, () => messages.length >= n);
      const other = new Redis({ port, host: "127.0.0.1" });
      await other.publish("end", "end");
      await until("the end", () => messages.some(([channel]) => channel === "end"));
      other.disconnect();
      const all = messages.splice(0).filter(([channel]) => channel !== "end");
      assert.equal(all.length, n);
      return all;
    },
  };
}

const event = ([, message]) => decode(message)[1].data;

/** More ways to get a client, that look the same. */
const others = {
  "a pool of node-redis 5": async ({ url }) => {
    const client = redis5.createClientPool({ url });
    client.on("error", () => {});
    await client.connect();
    return { client, close: () => client.close() };
  },
  "a pool of node-redis 6": async ({ url }) => {
    const client = redis6.createClientPool({ url });
    client.on("error", () => {});
    await client.connect();
    return { client, close: () => client.close() };
  },
  "node-redis 6 with RESP 2": async ({ url }) => {
    const client = await redis6.createClient({ url, RESP: 2 }).connect();
    return { client, close: () => client.close() };
  },
  "node-redis 5 with RESP 3": async ({ url }) => {
    const client = await redis5.createClient({ url, RESP: 3 }).connect();
    return { client, close: () => client.close() };
  },
  "node-redis 6 with a keyPrefix": async ({ url }) => {
    const client = await redis6.createClient({ url, keyPrefix: "app:" }).connect();
    return { client, close: () => client.close() };
  },
  "ioredis with a keyPrefix": ({ url }) => {
    const client = new Redis(url, { keyPrefix: "app:" });
    return { client, close: () => client.quit() };
  },
  "ioredis with auto-pipelining": ({ url }) => {
    const client = new Redis(url, { enableAutoPipelining: true });
    return { client, close: () => client.quit() };
  },
  "ioredis that connects late": ({ url }) => {
    const client = new Redis(url, { lazyConnect: true });
    return { client, close: () => client.quit() };
  },
  "ioredis with numbers as text": ({ url }) => {
    const client = new Redis(url, { stringNumbers: true });
    return { client, close: () => client.quit() };
  },
};

const single = {
  ...Object.fromEntries(Object.entries(clients).map(([name, connect]) => [name, ({ url }) => connect(url, false)])),
  ...others,
};

for (const [name, connect] of Object.entries(single)) {
  suite(name, () => {
    let redis;
    let listener;
    let client;
    let close;
    before(async () => {
      redis = await startRedis();
      listener = await listen(redis.port, ["socket.io#/#", "socket.io#/#r#"]);
      ({ client, close } = await connect(redis));
    });
    after(async () => {
      await close?.();
      listener?.close();
      await redis?.close();
    });

    test("events, in order", async () => {
      const io = new Emitter(client);
      const sent = [];
      for (let i = 0; i < 300; i++) {
        sent.push(io.to("r").emit("ev", i, Buffer.of(0, 255)));
      }
      await Promise.all(sent);
      const got = (await listener.exactly(300)).map(event);
      const inOrder = got.map(([, i]) => i);
      assert.deepEqual(name.startsWith("a pool") ? inOrder.toSorted((a, b) => a - b) : inOrder, [...Array(300).keys()]);
      assert.deepEqual(got[0], ["ev", got[0][1], Buffer.of(0, 255)]);
    });

    test("a pipeline, in order and in one round trip", async () => {
      const before = Number((await redis.admin.info("stats")).match(/total_reads_processed:(\d+)/)[1]);
      await new Emitter(client).pipeline((io) => {
        for (let i = 0; i < 1000; i++) {
          io.to(`r${i % 7}`).emit("ev", i);
        }
      });
      const after = Number((await redis.admin.info("stats")).match(/total_reads_processed:(\d+)/)[1]);
      assert.deepEqual(
        (await listener.exactly(1000)).map(event),
        Array.from({ length: 1000 }, (_, i) => ["ev", i]),
      );
      assert.ok(after - before < 100, `Redis read ${after - before} times`);
    });

    test("sharded", async () => {
      const io = new Emitter(client, { adapter: "sharded" });
      await io.to("r").emit("ev", 1);
      await io.pipeline((io) => {
        io.to("r").emit("ev", 2);
        io.serverSideEmit("ev");
      });
      assert.deepEqual(
        (await listener.exactly(3)).map(([channel, text]) => [channel, JSON.parse(text).data.packet]),
        [
          ["socket.io#/#r#", { type: 2, data: ["ev", 1] }],
          ["socket.io#/#r#", { type: 2, data: ["ev", 2] }],
          ["socket.io#/#", ["ev"]],
        ],
      );
      assert.equal(await io.serverCount(), 1);
    });

    test("streams", async () => {
      const io = new Emitter(client, { adapter: "streams" });
      await io.emit("ev", 1);
      await io.pipeline((io) => {
        io.emit("ev", Buffer.of(1));
        io.socketsJoin("r");
      });
      const entries = await redis.admin.xrange("socket.io", "-", "+");
      assert.equal(entries.length, 3);
      assert.deepEqual(await redis.admin.keys("*"), ["socket.io"]);
    });

    test("the number of servers", async () => {
      const io = new Emitter(client);
      assert.equal(await io.serverCount(), 0);
      await redis.admin.call("PUBSUB", "NUMSUB", "x");
      const server = new Redis({ port: redis.port });
      await server.subscribe("socket.io-request#/#");
      assert.equal(await io.serverCount(), 1);
      assert.equal(await io.of("/n").serverCount(), 0);
      server.disconnect();
      await until("it is gone", async () => (await io.serverCount()) === 0);
    });

    test("an event that Redis refuses", async () => {
      const io = new Emitter(client);
      await redis.admin.config("SET", "proto-max-bulk-len", 1024 * 1024);
      await redis.admin.call("ACL", "SETUSER", "default", "-publish");
      const noRight = (error) =>
        refusal("redis", /PUBLISH.*NOPERM|NOPERM.*publish/i)(error) && error.cause instanceof Error;
      await assert.rejects(io.emit("ev"), noRight);
      await assert.rejects(
        io.pipeline((io) => {
          io.emit("a");
          io.emit("b");
        }),
        refusal("redis", /of 2 commands of the pipeline failed/),
      );
      await redis.admin.call("ACL", "SETUSER", "default", "+publish");
      await io.emit("ev");
      await listener.exactly(1);
    });
  });
}

suite("a Redis Cluster", () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ replicas: 1 });
  });
  after(() => cluster?.close());

  const ioredis = (options) => {
    const client = new Cluster([{ host: "127.0.0.1", port: cluster.nodes[0].port }], options);
    return { client, close: () => client.quit() };
  };
  const nodeRedis = async ({ createCluster }) => {
    const client = createCluster({ rootNodes: [{ url: cluster.url }], useReplicas: true });
    await client.connect();
    return { client, close: () => client.close() };
  };
  const variants = {
    "node-redis 5": [() => clients["node-redis-5"](cluster.url, true), 3],
    "node-redis 6": [() => clients["node-redis-6"](cluster.url, true), 3],
    "node-redis 5 with replicas": [() => nodeRedis(redis5), 4],
    "node-redis 6 with replicas": [() => nodeRedis(redis6), 4],
    ioredis: [() => clients["ioredis-5"](cluster.url, true), 4],
    "ioredis with a keyPrefix": [() => ioredis({ keyPrefix: "app:" }), 4],
    "ioredis with auto-pipelining": [() => ioredis({ enableAutoPipelining: true }), 4],
    "ioredis that reads from replicas": [() => ioredis({ scaleReads: "slave" }), 4],
  };

  for (const [name, [connect, nodesAsked]] of Object.entries(variants)) {
    test(name, async () => {
      const { client, close } = await connect();
      const listener = await listen(cluster.nodes.at(-1).port); // of the replica: all nodes get what is published
      const servers = [];
      try {
        const io = new Emitter(client);
        const sent = [];
        for (let i = 0; i < 300; i++) {
          sent.push(io.to(`r${i % 3}`).emit("ev", i));
        }
        sent.push(
          io.pipeline((io) => {
            for (let i = 300; i < 600; i++) {
              io.to(`r${i % 3}`).emit("ev", i);
            }
          }),
        );
        await Promise.all(sent);
        const got = (await listener.exactly(600)).map(event).map(([, i]) => i);
        for (let room = 0; room < 3; room++) {
          const ofRoom = got.filter((i) => i % 3 === room);
          assert.deepEqual(
            ofRoom,
            ofRoom.toSorted((a, b) => a - b),
          );
        }

        const streams = new Emitter(client, { adapter: "streams", streamName: `stream of ${name}`, streamCount: 8 });
        await streams.pipeline((io) => {
          for (const nsp of "abcdefgh") {
            io.of(nsp).emit("ev");
          }
        });
        let entries = 0;
        for (const { admin } of cluster.nodes.slice(0, 3)) {
          for (const key of await admin.keys(`*stream of ${name}-?`)) {
            assert.ok(key.startsWith("stream"), key);
            entries += await admin.xlen(key);
          }
        }
        assert.equal(entries, 8);

        for (const [i, { port }] of cluster.nodes.entries()) {
          const server = new Redis({ port, host: "127.0.0.1" });
          servers.push(server);
          await server.subscribe(...["socket.io-request#/#", "socket.io-request#/n#"].slice(0, 1 + (i % 2)));
        }
        // One of them is on a replica, which node-redis knows of with useReplicas only.
        assert.equal(await io.serverCount(), nodesAsked);
        assert.equal(await io.of("/n").serverCount(), nodesAsked - 2);
      } finally {
        for (const server of servers) {
          server.disconnect();
        }
        await until("they are gone", async () => {
          const counts = await Promise.all(
            cluster.nodes.map((node) => node.admin.pubsub("NUMSUB", "socket.io-request#/#")),
          );
          return counts.every(([, n]) => n === 0);
        });
        listener.close();
        await close();
      }
    });
  }

  for (const [name, connect] of Object.entries(clients)) {
    test(`${name} that knows one node only is told`, async () => {
      const { client, close } = await connect(cluster.url, false);
      try {
        const refused = [];
        for (const stream of "abcdefgh") {
          const io = new Emitter(client, { adapter: "streams", streamName: stream });
          await io.emit("ev").catch((error) => refused.push(error));
        }
        assert.ok(refused.length > 0);
        for (const error of refused) {
          assert.ok(refusal("redis", /MOVED.*createCluster/)(error), error.message);
        }
      } finally {
        await close();
      }
    });
  }
});

suite("Sentinel", () => {
  let servers;
  before(async () => {
    servers = await startSentinel();
  });
  after(() => servers?.close());

  const nodeRedis = async ({ createSentinel }) => {
    const sentinelRootNodes = [{ host: "127.0.0.1", port: servers.sentinel.port }];
    const client = createSentinel({ name: "main", sentinelRootNodes, replicaPoolSize: 1 });
    client.on("error", () => {});
    await client.connect();
    return { client, close: () => client.close() };
  };
  const variants = {
    "node-redis 5": () => nodeRedis(redis5),
    "node-redis 6": () => nodeRedis(redis6),
    ioredis: () => {
      const client = new Redis({ name: "main", sentinels: [{ host: "127.0.0.1", port: servers.sentinel.port }] });
      return { client, close: () => client.quit() };
    },
  };
  for (const [name, connect] of Object.entries(variants)) {
    test(`${name} sends to the master, never to a replica`, async () => {
      const { client, close } = await connect();
      const listener = await listen(servers.master.port, ["socket.io#/#"]);
      try {
        const io = new Emitter(client);
        const sharded = new Emitter(client, { adapter: "sharded" });
        for (let i = 0; i < 20; i++) {
          await io.emit("ev", i);
          await sharded.emit("ev", i);
        }
        await io.pipeline((io) => {
          io.emit("ev", 20);
          io.emit("ev", 21);
        });
        await listener.exactly(42);
        assert.equal(await io.serverCount(), 0);
        assert.equal(await sharded.serverCount(), 1);
        await new Emitter(client, { adapter: "streams" }).emit("ev");
      } finally {
        listener.close();
        await close();
      }
    });
  }
});

suite("no error holds a password", () => {
  const secret = "S3cr3tP4ss";
  for (const [name, args] of Object.entries({
    "where it is wrong": ["--requirepass", "another"],
    "where Redis does not know AUTH": ["--rename-command", "AUTH", "", "--rename-command", "HELLO", ""],
  })) {
    test(name, async () => {
      const redis = await startRedis({ args, password: args[0] === "--requirepass" ? args[1] : undefined });
      const client = new Redis({
        port: redis.port,
        username: "u",
        password: secret,
        maxRetriesPerRequest: 1,
        retryStrategy: () => 10,
      });
      client.on("error", () => {});
      try {
        for (let i = 0; i < 5; i++) {
          const error = await new Emitter(client).emit("ev").catch((error) => error);
          assert.ok(
            error === undefined || !inspect(error, { depth: 20, showHidden: true }).includes(secret),
            inspect(error),
          );
        }
      } finally {
        client.disconnect();
        await redis.close();
      }
    });
  }
});
