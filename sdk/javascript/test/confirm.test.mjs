// Confirm: with real Socket.IO servers first, then with servers that are cut off, silent or slow on demand.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";
import { Emitter, IncompleteError, UnconfirmedError } from "sioemit";
import { clients } from "../conformance/clients.mjs";
import { startProxy } from "./proxy.mjs";
import { startCluster, startRedis, startSentinel, until } from "./redis.mjs";
import { startServers } from "./socketio.mjs";
import { refusal } from "./support.mjs";

const none = () => {};

/** Returns an emitter whose calls wait long enough on a busy machine. */
function patient(client, options) {
  return new Emitter(client, options).of("/").timeout(60_000);
}

/** Cuts the connections of all subscribers. */
async function cut(nodes) {
  for (const { admin } of nodes) {
    await admin.client("KILL", "TYPE", "pubsub");
  }
}

/** Returns an error of confirm that says something about so many servers. */
function unconfirmed(servers, text) {
  return (error) =>
    error instanceof UnconfirmedError &&
    error.reason === "unconfirmed" &&
    error.servers === servers &&
    error.message.startsWith("confirm: whether the servers have taken everything cannot be known: ") &&
    text.test(error.message);
}

/** Emits to everyone, to a room for all, and to that of each client, one by one and in a pipeline. */
async function emitAll(emitter, from) {
  const send = (io, i) =>
    Promise.all([io.emit("n", i), io.to("all").emit("n", i), io.to("room0").emit("n", i), io.to("room1").emit("n", i)]);
  for (let i = from; i < from + 10; i++) {
    await send(emitter, i);
  }
  await emitter.pipeline(async (io) => {
    for (let i = from + 10; i < from + 20; i++) {
      await send(io, i);
    }
  });
}

const eventsOf = ({ events }) => events.filter(([name]) => name === "n").length;

/** Confirms, cuts all subscribers off, and confirms again. */
async function checkConfirm(client, adapter, { servers, nodes }) {
  const emitter = new Emitter(client, { adapter });
  const io = emitter.timeout(60_000);
  const start = servers.map(eventsOf);
  assert.equal(await io.confirm(), 2);
  await emitAll(emitter, 0);
  assert.equal(await io.to("all").except("room0").volatile.confirm(), 2);
  await until("both clients have the events", () => servers.every((server, i) => eventsOf(server) === start[i] + 60));

  await io.emit("n", 40);
  await cut(nodes);
  await until("the servers are back", async () => (await io.serverCount()) === 2);
  const got = await io.confirm().catch((error) => error);
  const isCut = unconfirmed(2, /a subscriber's connection|subscribers' connections to Redis were cut/);
  // From a stream servers read on where they were.
  assert.ok(adapter === "streams" ? got === 2 : isCut(got), String(got));
  await io.to("room1").emit("n", 41);
  assert.equal(await io.confirm(), 2);
}

suite("two servers", () => {
  let redis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.close());
  for (const adapter of ["classic", "sharded", "streams"]) {
    test(adapter, async (t) => {
      const { servers } = await startServers(t, redis.url, adapter);
      for (const [variant, connect] of Object.entries(clients)) {
        await t.test(variant, async (t) => {
          const { client, close } = await connect(redis.url, false);
          t.after(close);
          await checkConfirm(client, adapter, { servers, nodes: [redis] });
        });
      }
      assert.ok(servers.every(({ socket }) => socket.connected));
    });
  }
});

suite("two servers on a Redis Cluster", () => {
  let cluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.close());
  for (const adapter of ["classic", "sharded", "streams"]) {
    test(adapter, async (t) => {
      const { servers } = await startServers(t, cluster.url, adapter, { isCluster: true });
      for (const [variant, connect] of Object.entries(clients)) {
        await t.test(variant, async (t) => {
          const { client, close } = await connect(cluster.url, true);
          t.after(close);
          await checkConfirm(client, adapter, { servers, nodes: cluster.nodes });
        });
      }
      assert.ok(servers.every(({ socket }) => socket.connected));
    });
  }

  test("what others wait for is no server", async (t) => {
    const { servers } = await startServers(t, cluster.url, "sharded", { isCluster: true });
    const subscribers = async () => {
      const lists = await Promise.all(cluster.nodes.map(({ admin }) => admin.client("LIST")));
      return lists
        .join("")
        .split("\n")
        .filter((line) => / ssub=[1-9]/.test(line));
    };
    for (const [variant, connect] of Object.entries(clients)) {
      const { client, close } = await connect(cluster.url, true);
      t.after(close);
      const isOld = (line) => !/ age=[012] /.test(line);
      await until("the servers are there for long", async () => (await subscribers()).every(isOld));
      const known = (await subscribers()).length;
      const io = patient(client, { adapter: "sharded" });
      await io.emit("ev");
      const controller = new AbortController();
      const call = patient(client, { adapter: "sharded" }).signal(controller.signal).emitWithAck("first only?");
      await until("it waits", async () => (await subscribers()).length > known);
      assert.equal(await io.confirm(), servers.length, variant);
      controller.abort();
      await assert.rejects(call, refusal("incomplete"));
      await until("it waits no more", async () => (await subscribers()).length === known);
    }
  });
});

async function opened(client) {
  client.on("error", none);
  await client.connect();
  return { client, close: async () => client.destroy() };
}

function ioredisOf(client) {
  client.on("error", none);
  return { client, close: async () => client.disconnect() };
}

suite("a Redis Cluster with a replica", () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ masters: 1, replicas: 1 });
    const [{ admin }] = cluster.nodes;
    await admin.set("key", "value"); // Redis does not show a replica that has nothing
    await until("the replica is shown", async () => (await admin.call("CLUSTER", "SLOTS"))[0].length === 4);
  });
  after(() => cluster?.close());
  const nodeRedis = ({ createCluster }, useReplicas) =>
    opened(createCluster({ rootNodes: [{ url: cluster.url }], useReplicas }));
  const variants = {
    "node-redis 5": [() => nodeRedis(redis5, false), false],
    "node-redis 6": [() => nodeRedis(redis6, false), false],
    "node-redis 5 with replicas": [() => nodeRedis(redis5, true), true],
    "node-redis 6 with replicas": [() => nodeRedis(redis6, true), true],
    ioredis: [() => ioredisOf(new Cluster([{ host: "127.0.0.1", port: cluster.nodes[0].port }])), true],
  };
  for (const [name, [connect, showsReplicas]] of Object.entries(variants)) {
    test(name, async (t) => {
      const { client, close } = await connect();
      t.after(close);
      const [master, replica] = cluster.nodes;
      const server = await startFake(t, master.port);
      const onReplica = await startFake(t, replica.port, { publishTo: master.port });
      const io = patient(client);
      await until("they listen", async () => (await io.serverCount()) === (showsReplicas ? 2 : 1));
      await io.emit("ev");
      await io.confirm().catch(none); // the first one
      await io.emit("ev");
      const got = await io.confirm().catch((error) => error);
      const isUnseen = unconfirmed(1, /replicas of the Redis Cluster.*useReplicas/);
      assert.ok(showsReplicas ? got === 2 : isUnseen(got), String(got));
      server.close();
      onReplica.close();
    });
  }
  test("a client that knows one node only is told", async (t) => {
    const server = await startFake(t, cluster.nodes[0].port);
    for (const [name, connect] of Object.entries(clients)) {
      const { client, close } = await connect(cluster.url, false);
      t.after(close);
      const io = patient(client);
      await io.emit("ev");
      await assert.rejects(io.confirm(), unconfirmed(1, /is a node of a Redis Cluster/), name);
    }
    server.close();
  });
});

suite("Sentinel", () => {
  let watched;
  before(async () => {
    watched = await startSentinel();
  });
  after(() => watched?.close());
  test("each client", async (t) => {
    const server = await startFake(t, watched.master.port);
    const sentinels = [{ host: "127.0.0.1", port: watched.sentinel.port }];
    const variants = {
      "node-redis 5": () => opened(redis5.createSentinel({ name: "main", sentinelRootNodes: sentinels })),
      "node-redis 6": () => opened(redis6.createSentinel({ name: "main", sentinelRootNodes: sentinels })),
      ioredis: () => ioredisOf(new Redis({ name: "main", sentinels })),
    };
    for (const [name, connect] of Object.entries(variants)) {
      await t.test(name, async (t) => {
        const { client, close } = await connect();
        t.after(close);
        const io = patient(client);
        assert.equal(await io.confirm(), 1);
        await io.emit("ev");
        assert.equal(await io.confirm(), 1);
        await io.emit("ev");
        await cut([watched.master]);
        await until("it is back", async () => (await io.serverCount()) === 1);
        await assert.rejects(io.confirm(), unconfirmed(1, /connection to Redis was cut/));
      });
    }
    server.close();
  });
});

/** Makes a call until time runs out when so many servers have answered, and returns the error. */
async function withoutAnswer(io, servers, call = (io) => io.confirm()) {
  for (let ms = 500; ; ms *= 2) {
    const error = await call(io.timeout(ms)).catch((error) => error);
    if (error.servers === servers || ms > 60_000) {
      return error;
    }
  }
}

const requests = "socket.io-request#/#";

/** Starts a server of the classic adapter that notes what it gets, and answers as long as it is not silent. */
async function startFake(t, port, { publishTo = port } = {}) {
  const subscriber = new Redis({ port, host: "127.0.0.1" });
  const publisher = new Redis({ port: publishTo, host: "127.0.0.1" });
  const fake = { got: [], isSilent: false, subscriber };
  subscriber.on("pmessage", () => fake.got.push("event"));
  const answer = (requestId) =>
    publisher.publish("socket.io-response#/#", JSON.stringify({ requestId, sockets: [] })).catch(none); // it is closed
  const waiting = [];
  subscriber.on("message", (_, text) => {
    fake.got.push("question");
    const { requestId } = JSON.parse(text);
    if (fake.isSilent) {
      waiting.push(requestId);
    } else {
      answer(requestId);
    }
  });
  await subscriber.psubscribe("socket.io#/#*");
  await subscriber.subscribe(requests);
  fake.waiting = waiting;
  fake.close = () => {
    subscriber.disconnect();
    publisher.disconnect();
  };
  t.after(fake.close);
  return fake;
}

for (const [variant, connect] of Object.entries(clients)) {
  suite(`with ${variant}`, () => {
    let redis;
    let client;
    let close;
    before(async () => {
      redis = await startRedis();
      ({ client, close } = await connect(redis.url, false));
    });
    after(async () => {
      await close?.();
      await redis?.close();
    });
    const listening = (io, n) => until("they listen", async () => (await io.serverCount()) === n);

    test("nobody is there", async () => {
      const io = patient(client);
      await io.emit("ev");
      await assert.rejects(io.confirm(), refusal("no-servers", /namespace \/$/));
      await assert.rejects(patient(client, { adapter: "streams" }).confirm(), refusal("no-servers"));
    });

    test("a server that is silent", async (t) => {
      const [server, silent] = [await startFake(t, redis.port), await startFake(t, redis.port)];
      const io = patient(client);
      assert.equal(await io.confirm(), 2);
      await io.emit("ev");
      silent.isSilent = true;
      const error = await withoutAnswer(io, 1);
      const { call, reason, servers, asked, clients, expected, unread, partial } = error;
      assert.ok(error instanceof IncompleteError, String(error));
      assert.deepEqual(
        { call, reason, servers, asked, clients, expected, unread, partial },
        { call: "confirm", reason: "incomplete", servers: 1, asked: 2, clients: 0, expected: 0, unread: 0, partial: 1 },
      );
      // The next one is about the same events.
      silent.subscriber.disconnect();
      await listening(io, 1);
      await assert.rejects(io.confirm(), unconfirmed(1, /was cut/));
      assert.equal(await io.confirm(), 1);
      server.close();
      silent.close();
      await listening(io, 0);
    });

    test("a signal", async (t) => {
      const silent = await startFake(t, redis.port);
      silent.isSilent = true;
      const why = new Error("no more");
      const controller = new AbortController();
      const io = patient(client);
      const [first, second] = [io.signal(controller.signal).confirm(), io.timeout(50).confirm()];
      // They wait for each other.
      await assert.rejects(second, refusal("incomplete", /0 of 0.*time ran out after 50 ms/));
      const third = io.confirm();
      await until("it is asked", () => silent.waiting.length === 1);
      controller.abort(why);
      await assert.rejects(first, (error) => error instanceof IncompleteError && error.cause === why);
      silent.isSilent = false;
      assert.equal(await third, 1);
      silent.close();
      await listening(io, 0);
    });

    test("the first confirm has the ages of connections only", async (t) => {
      const server = await startFake(t, redis.port);
      const io = patient(client);
      await io.emit("ev");
      const late = await startFake(t, redis.port);
      await listening(io, 2);
      await assert.rejects(io.confirm(), unconfirmed(2, /at about the time of the first event, or after it/));
      await io.emit("ev");
      assert.equal(await io.confirm(), 2);
      // Others have been there for long enough.
      await until("they are old", async () => !/ age=[012] .* psub=[1-9]/.test(await redis.admin.client("LIST")));
      const another = patient(client);
      await another.emit("ev");
      assert.equal(await another.confirm(), 2);
      server.close();
      late.close();
      await listening(io, 0);
    });

    test("what was sent by a pipeline, in other namespaces, and without waiting", async (t) => {
      const server = await startFake(t, redis.port);
      for (const send of [
        (io) => io.of("/").pipeline((io) => io.to("r").emit("ev")),
        (io) => io.of("/").pipeline((io) => io.pipeline((io) => io.emit("ev"))),
        (io) => io.socketsJoin("r"),
        (io) => Promise.all([io.of("/other").emit("ev"), io.emit("ev")]),
        async (io) => {
          io.emit("ev");
        },
      ]) {
        const emitter = new Emitter(client);
        const io = emitter.timeout(60_000);
        assert.equal(await io.confirm(), 1);
        await send(emitter);
        await cut([redis]);
        await listening(io, 1);
        await assert.rejects(io.confirm(), unconfirmed(1, /was cut/), String(send));
      }
      server.close();
      await listening(patient(client), 0);
    });

    test("an event that servers were to acknowledge", async (t) => {
      const server = await startFake(t, redis.port);
      const io = patient(client);
      assert.equal(await io.confirm(), 1);
      // This server does not know how.
      const error = await withoutAnswer(io, 0, (io) => io.emitWithAck("ev"));
      assert.ok(refusal("incomplete")(error), String(error));
      await cut([redis]);
      await listening(io, 1);
      await assert.rejects(io.confirm(), unconfirmed(1, /was cut/));
      server.close();
      await listening(io, 0);

      const { servers } = await startServers(t, redis.url, "streams");
      const streams = patient(client, { adapter: "streams" });
      assert.equal((await streams.emitWithAck("ready?")).servers, servers.length);
      assert.equal(await streams.confirm(), 2);
      await withoutAnswer(streams, 2, (io) => io.emitWithAck("first only?"));
      await assert.rejects(streams.confirm(), unconfirmed(2, /beside the stream/));
      assert.equal(await streams.confirm(), 2);
    });

    test("what Redis does not allow", async (t) => {
      const server = await startFake(t, redis.port);
      const io = patient(client);
      for (const [command, name] of Object.entries({ "client|list": "CLIENT LIST", info: "INFO", time: "TIME" })) {
        await io.emit("ev");
        await redis.admin.call("ACL", "SETUSER", "default", `-${command}`);
        await assert.rejects(io.confirm(), unconfirmed(1, new RegExp(`${name}: .*NOPERM`)));
        await redis.admin.call("ACL", "SETUSER", "default", `+${command}`);
      }
      await redis.admin.call("ACL", "SETUSER", "default", "-pubsub");
      await assert.rejects(io.confirm(), refusal("redis", /PUBSUB NUMSUB: .*NOPERM/));
      await redis.admin.call("ACL", "SETUSER", "default", "+pubsub");
      server.close();
      await listening(io, 0);
    });

    test("entries of a stream that are gone", async (t) => {
      const { servers } = await startServers(t, redis.url, "streams");
      const emitter = new Emitter(client, { adapter: "streams" });
      const io = emitter.timeout(60_000);
      assert.equal(await io.confirm(), servers.length);
      for (const send of [() => io.emit("ev"), () => emitter.pipeline((io) => io.emit("ev"))]) {
        await send();
        assert.equal(await io.confirm(), 2);
        await send();
        await redis.admin.xtrim("socket.io", "MAXLEN", 0);
        await assert.rejects(io.confirm(), unconfirmed(2, /no longer in the stream/));
      }
      await io.serverSideEmit("beside");
      await assert.rejects(io.confirm(), unconfirmed(2, /beside the stream/));
      assert.equal(await io.confirm(), 2);
    });

    test("servers of the streams adapter that nothing but their entries shows", async () => {
      const servers = ["0123456789abcdef", "fedcba9876543210"];
      const add = (uid, type, data = {}) =>
        redis.admin.xadd("old", "*", "uid", uid, "nsp", "/", "type", type, "data", JSON.stringify(data));
      const reader = new Redis(redis.url);
      let isSilent = false;
      const read = async () => {
        for (let at = "$"; ; ) {
          const [[_, entries]] = await reader.xread("BLOCK", 0, "STREAMS", "old", at);
          for (const [id, fields] of entries) {
            at = id;
            const { type, data } = Object.fromEntries([0, 2, 4, 6].map((i) => fields.slice(i, i + 2)));
            const { requestId } = JSON.parse(data);
            for (const uid of type === "7" ? servers : []) {
              if (!(isSilent && uid === servers[1])) {
                await add(uid, 8, { requestId, sockets: [] });
              }
            }
          }
        }
      };
      const reading = read().catch(none);
      const io = patient(client, { adapter: "streams", streamName: "old" });
      await until("it reads", async () => / cmd=xread /.test(await redis.admin.client("LIST")));
      for (const uid of servers) {
        await add(uid, 2);
      }
      assert.equal(await io.confirm(), 2);
      await io.emit("ev");
      isSilent = true;
      const error = await withoutAnswer(io, 1);
      assert.ok(error instanceof IncompleteError && error.asked === 2, String(error));
      await add(servers[1], 13); // it says that it goes
      assert.equal(await io.confirm(), 1);
      reader.disconnect();
      await reading;
    });
  });
}

suite("the question comes behind events that nobody waits for", () => {
  let redis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.close());
  const variants = {
    "a pool of node-redis 5": (url) => opened(redis5.createClientPool({ url })),
    "a pool of node-redis 6": (url) => opened(redis6.createClientPool({ url })),
    "ioredis with auto-pipelining": (url) => ioredisOf(new Redis(url, { enableAutoPipelining: true })),
  };
  for (const [name, connect] of Object.entries(variants)) {
    test(name, async (t) => {
      const server = await startFake(t, redis.port);
      // Events take their time.
      const proxy = await startProxy(redis.port, {
        toRedis: ({ bytes, pass, state }) => {
          const slow = bytes.includes("socket.io#/#");
          state.before = (state.before ?? Promise.resolve()).then(() => slow && pause(200)).then(() => pass());
        },
      });
      t.after(() => proxy.close());
      const { client, close } = await connect(proxy.url);
      t.after(close);
      const io = patient(client);
      assert.equal(await io.confirm(), 1);
      server.got.length = 0;
      for (let i = 0; i < 3; i++) {
        io.emit("ev", i);
      }
      assert.equal(await io.confirm(), 1);
      assert.deepEqual(server.got, ["event", "event", "event", "question"]);
      server.close();
    });
  }
});
