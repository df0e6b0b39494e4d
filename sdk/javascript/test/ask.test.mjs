// Calls that servers answer: with real Socket.IO servers first, then with servers that answer as no real one does on demand.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import process from "node:process";
import { after, before, suite, test } from "node:test";
import { setTimeout } from "node:timers";
import { setTimeout as pause } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";
import { Emitter, IncompleteError, SioemitError } from "sioemit";
import { clients } from "../conformance/clients.mjs";
import { makeCertificate } from "./certificate.mjs";
import { startProxy } from "./proxy.mjs";
import { startCluster, startRedis, startSentinel, until } from "./redis.mjs";
import { adapters, startServers } from "./socketio.mjs";
import { ioredisOf, keeping, opened, refusal, socketOf } from "./support.mjs";

const none = () => {};

/** How many connections a Redis has that subscribe and are not a server's: those for replies. */
async function replyConnections(admin, servers) {
  const list = await admin.client("LIST");
  const subscribed = list.split("\n").filter((line) => / (?:sub|ssub)=[1-9]/.test(line)).length;
  return subscribed - servers;
}

/** Makes every call of two servers with a client each, and checks what comes. */
async function checkCalls(emitter, servers) {
  const io = emitter.timeout(60_000);
  const byClient = (a, b) => a.client - b.client;
  const byServer = (a, b) => a.server - b.server;
  const acks = await io.emitWithAck("ready?", 1, { b: Buffer.of(0, 255) });
  const got = [1, { b: Buffer.of(0, 255) }];
  assert.deepEqual(acks.values.sort(byClient), [
    { client: 0, got },
    { client: 1, got },
  ]);
  assert.deepEqual({ ...acks, values: 0 }, { values: 0, clients: 2, perServer: [1, 1], servers: 2 });
  assert.deepEqual((await io.to("room1").emitWithAck("ready?")).values, [{ client: 1, got: [] }]);
  assert.deepEqual((await io.except("room1").emitWithAck("nothing?")).values, [null]);
  assert.deepEqual(await io.to("nowhere").emitWithAck("ready?"), {
    values: [],
    clients: 0,
    perServer: [0, 0],
    servers: 2,
  });

  const sockets = (await io.fetchSockets()).sort((a, b) => a.data.i - b.data.i);
  assert.deepEqual(
    sockets.map(({ handshake, ...socket }) => socket),
    servers.map(({ socket: { id } }, i) => ({
      id,
      rooms: [id, "all", 5, `room${i}`],
      data: { i, bytes: Buffer.of(i, 255) },
    })),
  );
  assert.equal(typeof sockets[0].handshake.headers.host, "string");
  assert.deepEqual(
    (await io.to("room0").fetchSockets()).map(({ data }) => data.i),
    [0],
  );

  assert.deepEqual(await io.rooms(), ["all", "room0", "room1", ...servers.map(({ socket }) => socket.id)].sort());

  const answers = await io.serverSideEmitWithAck("status", Buffer.of(9), "é");
  assert.deepEqual(answers.sort(byServer), [
    { server: 0, got: [Buffer.of(9), "é"] },
    { server: 1, got: [Buffer.of(9), "é"] },
  ]);
  assert.deepEqual(await io.of("/none").serverCount(), 0);
  await assert.rejects(io.of("/none").fetchSockets(), refusal("no-servers", /\/none/));
}

/** Makes a call that one of two clients does not answer. */
async function checkIncomplete(io) {
  const [missing] = await Promise.all([
    io
      .timeout(2500)
      .emitWithAck("first only?")
      .catch((error) => error),
    // Others at the same time get theirs.
    io.to("room0").emitWithAck("ready?"),
  ]);
  assert.ok(missing instanceof IncompleteError && missing instanceof SioemitError, String(missing));
  const { reason, call, servers: answered, asked, clients: acknowledged, expected, unread, partial } = missing;
  assert.deepEqual(
    { reason, call, answered, asked, acknowledged, expected, unread, values: partial.values },
    {
      reason: "incomplete",
      call: "emitWithAck",
      answered: 2,
      asked: 2,
      acknowledged: 1,
      expected: 2,
      unread: 0,
      values: ["first"],
    },
  );
}

suite("two servers", () => {
  let redis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.close());
  for (const [name, [adapter]] of Object.entries(adapters)) {
    test(name, async (t) => {
      const { servers } = await startServers(t, redis.url, name);
      for (const [variant, connect] of Object.entries(clients)) {
        await t.test(variant, async (t) => {
          const { client, close } = await connect(redis.url, false);
          t.after(close);
          const before = await replyConnections(redis.admin, 0);
          await checkCalls(new Emitter(client, { adapter }), servers);
          await until("no connection for replies is left", async () => !(await replyConnections(redis.admin, before)));
        });
      }
      await t.test("when one client does not answer", async (t) => {
        const client = new Redis(redis.url);
        t.after(() => client.disconnect());
        await checkIncomplete(new Emitter(client, { adapter }));
      });
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
  for (const name of ["classic", "sharded", "streams"]) {
    test(name, async (t) => {
      const { servers } = await startServers(t, cluster.url, name, { isCluster: true });
      for (const [variant, connect] of Object.entries(clients)) {
        await t.test(variant, async (t) => {
          const { client, close } = await connect(cluster.url, true);
          t.after(close);
          await checkCalls(new Emitter(client, { adapter: name }), servers);
        });
      }
      assert.ok(servers.every(({ socket }) => socket.connected));
    });
  }
});

/** Clients whose settings the connection for replies has to share. */
const others = {
  "a pool of node-redis 5": async (url) => opened(redis5.createClientPool({ url })),
  "a pool of node-redis 6": async (url) => opened(redis6.createClientPool({ url })),
  "node-redis 6 with RESP 2": async (url) => opened(redis6.createClient({ url, RESP: 2 })),
  "node-redis 5 with RESP 3": async (url) => opened(redis5.createClient({ url, RESP: 3 })),
  "node-redis 6 with a keyPrefix and a database": async (url) =>
    opened(redis6.createClient({ url: `${url}/3`, keyPrefix: "app:" })),
  "ioredis with a keyPrefix and a database": (url) => ioredisOf(new Redis(`${url}/3`, { keyPrefix: "app:" })),
  "ioredis with auto-pipelining": (url) => ioredisOf(new Redis(url, { enableAutoPipelining: true })),
  "ioredis that connects late": (url) => ioredisOf(new Redis(url, { lazyConnect: true })),
  "ioredis with numbers as text": (url) => ioredisOf(new Redis(url, { stringNumbers: true })),
};

suite("other clients", () => {
  let redis;
  before(async () => {
    redis = await startRedis();
    await redis.admin.call("ACL", "SETUSER", "ada", "on", ">secret", "allcommands", "allkeys", "allchannels");
  });
  after(() => redis?.close());
  test("of one Redis", async (t) => {
    const { servers } = await startServers(t, redis.url, "classic");
    const withUser = Object.entries(clients).map(([name, connect]) => [
      `${name} with a user`,
      (url) => connect(url.replace("//", "//ada:secret@"), false),
    ]);
    for (const [name, connect] of [...Object.entries(others), ...withUser]) {
      await t.test(name, async (t) => {
        const { client, close } = await connect(redis.url);
        t.after(close);
        await checkCalls(new Emitter(client), servers);
      });
    }
    assert.ok(servers.every(({ socket }) => socket.connected));
  });
});

/** A wrapper that passes on all that it is asked for, as those of tracing do. */
const wrapped = (client) =>
  new Proxy(client, {
    get: (target, name) => {
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });

class OwnRedis extends Redis {
  commands = 0;

  sendCommand(...args) {
    this.commands++;
    return super.sendCommand(...args);
  }
}

suite("clients in wrappers", () => {
  let redis;
  let cluster;
  before(async () => {
    redis = await startRedis();
    cluster = await startCluster();
  });
  after(async () => {
    await redis?.close();
    await cluster?.close();
  });
  test("of one Redis", async (t) => {
    const { servers } = await startServers(t, redis.url, "classic");
    const own = new OwnRedis(redis.url, { keyPrefix: "app:" });
    const variants = {
      "a subclass of ioredis": () => ioredisOf(own),
      "a Proxy of ioredis with a keyPrefix": () => ioredisOf(wrapped(new Redis(redis.url, { keyPrefix: "app:" }))),
      "a Proxy of node-redis 5": async () => opened(wrapped(redis5.createClient({ url: redis.url }))),
      "a Proxy of node-redis 6": async () => opened(wrapped(redis6.createClient({ url: redis.url }))),
    };
    for (const [name, connect] of Object.entries(variants)) {
      await t.test(name, async (t) => {
        const { client, close } = await connect();
        t.after(close);
        const emitter = new Emitter(client);
        await checkCalls(emitter, servers);
        assert.equal(await emitter.timeout(60_000).confirm(), 2);
        const events = servers.map((server) => server.events.length);
        await emitter.emit("ev");
        await emitter.pipeline((io) => io.to("all").emit("ev"));
        assert.equal(await emitter.timeout(60_000).confirm(), 2);
        await until("the events", () => servers.every((server, i) => server.events.length === events[i] + 2));
        await new Emitter(client, { adapter: "streams" }).emit("ev");
        assert.equal(await redis.admin.del("socket.io"), 1);
      });
    }
    assert.ok(own.commands > 0);
    assert.throws(
      () => new Emitter({ call: none, pipeline: none, sendCommand: none, __proto__: null }),
      refusal("client", /wrapper/),
    );
  });
  test("of a Redis Cluster", async (t) => {
    const { servers } = await startServers(t, cluster.url, "classic", { isCluster: true });
    for (const [name, connect] of Object.entries(clients)) {
      const { client, close } = await connect(cluster.url, true);
      t.after(close);
      await checkCalls(new Emitter(wrapped(client)), servers);
      assert.equal(await new Emitter(wrapped(client)).timeout(60_000).confirm(), 2, name);
    }
  });
});

suite("TLS", () => {
  let redis;
  let files;
  before(async () => {
    files = await makeCertificate();
    redis = await startRedis({ tls: files });
  });
  after(async () => {
    await redis?.close();
    await files?.remove();
  });
  const nodeRedis = ({ createClient }) =>
    opened(createClient({ url: `rediss://127.0.0.1:${redis.tlsPort}`, socket: { tls: true, ca: files.ca } }));
  const variants = {
    "node-redis 5": () => nodeRedis(redis5),
    "node-redis 6": () => nodeRedis(redis6),
    ioredis: () => ioredisOf(new Redis({ host: "127.0.0.1", port: redis.tlsPort, tls: { ca: files.ca } })),
  };
  for (const [name, connect] of Object.entries(variants)) {
    test(`${name} has its replies over TLS, too`, async (t) => {
      const { client, close } = await connect();
      t.after(close);
      let answerNow;
      const mayAnswer = new Promise((resolve) => {
        answerNow = resolve;
      });
      const fakes = await startFakes(t, redis.port, 1, async ({ request, reply }) => {
        await mayAnswer;
        reply({ sockets: request.type === 0 ? [] : [socketOf("s")] });
      });
      const io = new Emitter(client).timeout(60_000);
      const call = io.fetchSockets();
      await until("it is asked", () => fakes.asked.length === 1);
      const waiting = (await redis.admin.client("LIST")).split("\n").filter((line) => line.includes("sioemit-replies"));
      assert.equal(waiting.length, 1);
      assert.match(waiting[0], new RegExp(` laddr=127\\.0\\.0\\.1:${redis.tlsPort} .* sub=2 `));
      answerNow();
      assert.equal((await call).length, 1);
      await io.emit("ev");
      assert.equal(await io.confirm().catch((error) => error.servers), 1);
      fakes.close();
    });
  }
});

suite("Sentinel", () => {
  let watched;
  before(async () => {
    watched = await startSentinel();
  });
  after(() => watched?.close());
  test("each client", async (t) => {
    const { servers } = await startServers(t, watched.master.url, "classic");
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
        await checkCalls(new Emitter(client), servers);
      });
    }
    assert.ok(servers.every(({ socket }) => socket.connected));
  });
});

suite("what is refused before anything is sent", () => {
  const signal = AbortSignal.abort(new Error("no more"));
  for (const [reason, call, options] of [
    ["timeout", (io) => io.timeout(0).fetchSockets()],
    ["timeout", (io) => io.timeout(-1).fetchSockets()],
    ["timeout", (io) => io.timeout("1").fetchSockets()],
    ["timeout", (io) => io.timeout(NaN).fetchSockets()],
    ["timeout", (io) => io.timeout(2 ** 31).fetchSockets()],
    ["timeout", (io) => io.signal("stop").fetchSockets()],
    ["targeted", (io) => io.to("a").rooms()],
    ["targeted", (io) => io.except("a").serverSideEmitWithAck("ev")],
    ["reserved-event", (io) => io.emitWithAck("connect")],
    ["reserved-event", (io) => io.serverSideEmitWithAck("connection")],
    ["unencodable", (io) => io.emitWithAck("ev", NaN)],
    ["unencodable", (io) => io.emitWithAck("ev", none)],
    ["empty-room", (io) => io.to([]).fetchSockets()],
    ["binary-in-json", (io) => io.serverSideEmit("ev", Buffer.of(1)), { codec: "json" }],
    ["binary-in-json", (io) => io.emitWithAck("ev", Buffer.of(1)), { codec: "json" }],
    ["binary-in-json", (io) => io.serverSideEmitWithAck("ev", Buffer.of(1)), { codec: "json" }],
    ["needs-version-4", (io) => io.fetchSockets(), { serverVersion: 3 }],
    ["needs-version-4", (io) => io.emitWithAck("ev"), { serverVersion: 1 }],
    ["needs-version-4", (io) => io.confirm(), { serverVersion: 3 }],
    ["no-counterpart", (io) => io.fetchSockets(), { adapter: "python" }],
    ["no-counterpart", (io) => io.confirm(), { adapter: "python" }],
    ["pipelined", (io) => io.pipeline((io) => io.fetchSockets())],
    ["pipelined", (io) => io.pipeline((io) => io.confirm())],
    ["pipelined", (io) => io.pipeline((io) => io.serverSideEmit("ev", Buffer.of(1)))],
    ["aborted", (io) => io.signal(signal).fetchSockets()],
    ["aborted", (io) => io.signal(signal).confirm()],
    ["timeout", (io) => io.timeout(0).confirm()],
    ["empty-room", (io) => io.to([]).confirm()],
    [
      "closed",
      (io) => {
        io.close();
        return io.of("/admin").fetchSockets();
      },
    ],
  ]) {
    test(`${reason}: ${call}`, async () => {
      const { io, commands } = keeping(options);
      await assert.rejects(call(io), refusal(reason));
      assert.deepEqual(
        commands.filter(([name]) => name !== "PUBSUB"),
        [],
      );
    });
  }
});

const requests = "socket.io-request#/#";
const responses = "socket.io-response#/#";

/** Starts servers of the classic adapter whose answers a test makes up: a function gets each request and how to answer. */
async function startFakes(t, port, n, answer) {
  const fakes = [];
  const asked = [];
  for (let i = 0; i < n; i++) {
    const subscriber = new Redis({ port, host: "127.0.0.1" });
    const publisher = new Redis({ port, host: "127.0.0.1" });
    fakes.push(subscriber, publisher);
    subscriber.on("message", (_, text) => {
      const request = JSON.parse(text);
      if (i === 0) {
        asked.push(request);
      }
      answer?.({
        i,
        request,
        reply: (members) => publisher.publish(responses, JSON.stringify({ requestId: request.requestId, ...members })),
        raw: (message, channel = responses) => publisher.publish(channel, message),
      });
    });
    await subscriber.subscribe(requests);
  }
  const close = () => {
    for (const fake of fakes) {
      fake.disconnect();
    }
  };
  t.after(close);
  /** Returns when all has come that Redis has taken: those who ask may know of it before. */
  const settle = async () => {
    await fakes[1].publish(requests, JSON.stringify({ requestId: "behind" }));
    await until("all that Redis took has come", () => asked.at(-1)?.requestId === "behind");
    asked.pop();
  };
  return { asked, settle, close };
}

for (const [variant, connect] of Object.entries(clients)) {
  suite(`with ${variant}`, () => {
    let redis;
    let proxy;
    let client;
    let close;
    before(async () => {
      redis = await startRedis();
      proxy = await startProxy(redis.port);
      ({ client, close } = await connect(proxy.url, false));
    });
    after(async () => {
      await close?.();
      await proxy?.close();
      await redis?.close();
    });
    const gone = (servers) =>
      until("no connection for replies is left", async () => !(await replyConnections(redis.admin, servers)));

    test("late, foreign, forged, doubled and broken answers change nothing", async (t) => {
      const fakes = await startFakes(t, redis.port, 2, ({ i, request, reply, raw }) => {
        const { requestId } = request;
        raw("{");
        raw(`{"requestId":"${requestId}"`);
        raw(JSON.stringify({ requestId: "another", sockets: [socketOf("x")] }));
        raw(JSON.stringify({ requestId: `${requestId}0`, sockets: [socketOf("x")] }));
        raw(JSON.stringify({ requestId: "another", sockets: [socketOf(requestId)] }));
        reply({ type: 8, clientCount: 5 });
        reply({ rooms: ["x"] });
        reply({ sockets: [{ id: 5 }] });
        reply({ sockets: "x" });
        reply({ sockets: [socketOf(`s${i}`)] });
        reply({ sockets: [socketOf(`s${i}`)] });
      });
      const sockets = await new Emitter(client).fetchSockets();
      assert.deepEqual(sockets.map(({ id }) => id).sort(), ["s0", "s1"]);
      fakes.close();
      await gone(0);
    });

    test("what cannot be read is counted", async (t) => {
      const fakes = await startFakes(t, redis.port, 2, ({ i, request, reply, raw }) => {
        if (i === 0) {
          reply({ type: 8, clientCount: -1 });
          reply({ type: 8, clientCount: 2 ** 31 });
          reply({ type: 8, clientCount: 1e100 });
          reply({ type: 8, clientCount: "1" });
          raw(`{"type":9,"requestId":"${request.requestId}","packet":[${"{},".repeat(400_000)}{}]}`);
          reply({ type: 9, packet: "overtakes" });
          reply({ type: 8, clientCount: 1 });
        }
      });
      const error = await new Emitter(client)
        .timeout(4000)
        .emitWithAck("ev")
        .catch((error) => error);
      const { reason, servers, asked, clients, expected, unread, partial } = error;
      assert.deepEqual(
        { reason, servers, asked, clients, expected, unread, partial },
        {
          reason: "incomplete",
          servers: 1,
          asked: 2,
          clients: 1,
          expected: 1,
          unread: 5,
          partial: { values: ["overtakes"], clients: 1, perServer: [1], servers: 2 },
        },
      );
      fakes.close();
      await gone(0);
    });

    test("servers that answer nothing: what they need, and a signal ends the wait", async (t) => {
      const fakes = await startFakes(t, redis.port, 1);
      const io = new Emitter(client);
      const why = new Error("no more");
      const aborted = async (call) => {
        const controller = new AbortController();
        const before = fakes.asked.length;
        const failed = call(io.signal(controller.signal)).catch((error) => error);
        await until("it is asked", () => fakes.asked.length > before);
        controller.abort(why);
        return failed;
      };
      const error = await aborted((io) => io.serverSideEmitWithAck("ev"));
      const { reason, cause, partial } = error;
      assert.deepEqual({ reason, cause, partial }, { reason: "incomplete", cause: why, partial: [] });
      assert.match(error.message, /redis-adapter 7\.0 or later and a handler/);
      for (const [call, nothing] of [
        [(io) => io.serverSideEmit("ev", Buffer.of(1)), undefined],
        [(io) => io.serverSideEmitWithAck("ev", Buffer.of(1)), []],
        [(io) => io.emitWithAck("ev", Buffer.of(1)), { values: [], clients: 0, perServer: [], servers: 1 }],
      ]) {
        const error = await aborted(call);
        assert.deepEqual(error.partial, nothing);
        assert.ok(refusal("incomplete", /7\.2.*binary was not sent/)(error), String(error));
        const { type, packet } = fakes.asked.at(-1);
        assert.deepEqual([type, packet.data], [7, ["probe"]]);
      }
      assert.equal(fakes.asked.length, 4);
      fakes.close();
      await gone(0);
    });

    test("a connection for replies that breaks", async (t) => {
      const fakes = await startFakes(t, redis.port, 1);
      const io = new Emitter(client);
      const calls = [io.fetchSockets(), io.emitWithAck("ev"), io.rooms()];
      await until("they are asked", () => fakes.asked.length === 3);
      assert.equal(await replyConnections(redis.admin, 1), 1);
      await redis.admin.client("KILL", "TYPE", "pubsub", "SKIPME", "yes", "LADDR", `127.0.0.1:${redis.port}`);
      for (const call of calls) {
        await assert.rejects(call, refusal("subscription"));
      }
      fakes.close();
      await gone(0);
      // The next call opens another one.
      const again = await startFakes(t, redis.port, 1, ({ reply }) => reply({ sockets: [] }));
      assert.deepEqual(await io.fetchSockets(), []);
      again.close();
    });

    test("each call has an error of its own", async (t) => {
      const fakes = await startFakes(t, redis.port, 1);
      const io = new Emitter(client);
      const calls = [io.emitWithAck("ev", Buffer.of(1)), io.fetchSockets()];
      await until("they are asked", () => fakes.asked.length === 2);
      io.close();
      const [binary, sockets] = await Promise.all(calls.map((call) => call.catch((error) => error)));
      assert.ok(refusal("closed", /binary was not sent/)(binary), String(binary));
      assert.ok(refusal("closed", /^the emitter has been closed$/)(sockets), String(sockets));
      fakes.close();
      await gone(0);
    });

    test("a subscription that Redis refuses", async (t) => {
      const fakes = await startFakes(t, redis.port, 1);
      await redis.admin.call("ACL", "SETUSER", "default", "-subscribe");
      await assert.rejects(new Emitter(client).fetchSockets(), refusal("subscription", /NOPERM|subscribe/i));
      await redis.admin.call("ACL", "SETUSER", "default", "+subscribe");
      assert.deepEqual(fakes.asked, []);
      fakes.close();
      await gone(0);
    });

    test("close ends what waits", async (t) => {
      const fakes = await startFakes(t, redis.port, 1);
      const io = new Emitter(client);
      const call = io.of("/").to("r").fetchSockets();
      await until("it is asked", () => fakes.asked.length === 1);
      io.close();
      await assert.rejects(call, refusal("closed"));
      await assert.rejects(io.fetchSockets(), refusal("closed"));
      await io.emit("still");
      fakes.close();
      await gone(0);
    });

    test("an answer whose middle comes late", async (t) => {
      // With ioredis so late that it is pinged, for whose timeouts only an answer that is due counts.
      const stall = variant === "ioredis-5" ? 4500 : 1500;
      const fakes = await startFakes(t, redis.port, 1, ({ reply }) => reply({ type: 6, data: "x".repeat(2_000_000) }));
      proxy.hooks.toClient = async ({ bytes, pass, state }) => {
        state.rest = (state.rest ?? Promise.resolve()).then(async () => {
          if (!state.stalled && bytes.includes("xxxxxxxx")) {
            state.stalled = true;
            pass(bytes.subarray(0, 1000));
            await pause(stall);
            pass(bytes.subarray(1000));
          } else {
            pass();
          }
        });
      };
      // Clients that do not wait so long for an answer of theirs.
      const impatient =
        variant === "ioredis-5"
          ? ioredisOf(new Redis(proxy.url, { commandTimeout: 700, socketTimeout: 700 }))
          : await opened(
              (variant === "node-redis-5" ? redis5 : redis6).createClient({
                url: proxy.url,
                socket: { socketTimeout: 700 },
                pingInterval: 200,
              }),
            );
      const [answer] = await new Emitter(impatient.client).timeout(60_000).serverSideEmitWithAck("ev");
      assert.equal(answer, "x".repeat(2_000_000));
      proxy.hooks.toClient = undefined;
      await impatient.close();
      fakes.close();
      await gone(0);
    });

    test("a question whose connection breaks is not asked twice", async (t) => {
      const fakes = await startFakes(t, redis.port, 1, ({ request, reply }) => {
        if (request.last) {
          reply({ sockets: [] });
        }
      });
      const io = new Emitter(client);
      let cuts = 0;
      cutBehindQuestions(proxy, () => cuts++ < 1000);
      await assert.rejects(io.emitWithAck("ev"), refusal("maybe-asked"));
      await assert.rejects(io.serverSideEmitWithAck("ev"), refusal("maybe-asked"));
      await fakes.settle();
      assert.deepEqual(
        fakes.asked.map(({ type }) => type),
        [7, 6],
      );
      fakes.asked.length = 0;
      await assert.rejects(io.fetchSockets(), refusal("maybe-asked"));
      await fakes.settle();
      assert.equal(fakes.asked.length, 4);
      assert.equal(new Set(fakes.asked.map(({ requestId }) => requestId)).size, 4);
      proxy.hooks = {};
      fakes.close();
      await gone(0);
      // The third one arrives.
      const answering = await startFakes(t, redis.port, 1, ({ reply }) => reply({ sockets: [socketOf("s")] }));
      cuts = 0;
      cutBehindQuestions(proxy, () => cuts++ < 2);
      assert.equal((await io.fetchSockets()).length, 1);
      assert.equal(answering.asked.length, 3);
      proxy.hooks = {};
      await until("the client is there again", async () => (await io.serverCount().catch(none)) === 1);
      answering.close();
      await gone(0);
    });

    test("a question that the client has not written is not written once the call is over", async (t) => {
      const fakes = await startFakes(t, redis.port, 1);
      const io = new Emitter(client);
      const connections = new Map();
      let isAway = false;
      proxy.hooks = {
        toRedis: ({ bytes, pass, cut, state }) => {
          if (isAway && !connections.has(state)) {
            return; // a new connection gets no answer
          }
          connections.set(state, cut);
          state.subscribes ||= /subscribe/i.test(String(bytes));
          pass();
        },
        toClient: ({ pass, cut, state }) => {
          if (!state.subscribes) {
            pass();
            return;
          }
          if (!isAway) {
            isAway = true;
            for (const [other, cutOther] of connections) {
              if (other !== state) {
                cutOther();
              }
            }
            pause(100).then(() => setTimeout(cut, 100)); // the client knows by now, and by then it has the question
          }
          state.passed = (state.passed ?? pause(100)).then(() => pass());
        },
      };
      await assert.rejects(io.timeout(60_000).emitWithAck("ev"), refusal("subscription"));
      proxy.hooks = {};
      for (const socket of proxy.sockets) {
        socket.destroy();
      }
      await until("the client is there again", async () => (await io.serverCount().catch(none)) === 1);
      await fakes.settle();
      assert.deepEqual(fakes.asked, []);
      fakes.close();
      await gone(0);
    });

    test("a Redis that does not answer", async (t) => {
      const fakes = await startFakes(t, redis.port, 1);
      const io = new Emitter(client);
      const again = async () => {
        proxy.hooks = {};
        for (const socket of proxy.sockets) {
          socket.destroy();
        }
        await until("the client is there again", async () => (await io.serverCount().catch(none)) === 1);
      };
      // What counts the servers gets no answer; then what subscribes; then the question.
      proxy.hooks.toRedis = ({ bytes, pass }) => bytes.includes("NUMSUB") || pass();
      await assert.rejects(io.timeout(200).fetchSockets(), refusal("redis", /nothing was asked/));
      await again();
      proxy.hooks.toRedis = ({ bytes, pass }) => /subscribe/i.test(String(bytes)) || pass();
      await assert.rejects(io.timeout(2000).fetchSockets(), refusal("subscription", /nothing was asked/));
      await gone(1);
      proxy.hooks.toRedis = ({ bytes, pass }) => (bytes.includes(requests) && bytes.includes("requestId")) || pass();
      await assert.rejects(io.timeout(2000).fetchSockets(), refusal("maybe-asked"));
      assert.deepEqual(fakes.asked, []);
      await again();
      fakes.close();
      await gone(0);
    });

    test("a thousand questions at once share one connection for replies", async (t) => {
      const fakes = await startFakes(t, redis.port, 1, ({ request, reply }) =>
        reply({ sockets: [socketOf(request.requestId)] }),
      );
      const io = new Emitter(client).timeout(60_000);
      const opened = proxy.opened;
      const answers = await Promise.all(Array.from({ length: 1000 }, () => io.fetchSockets()));
      assert.equal(proxy.opened, opened + 1);
      assert.equal(new Set(answers.flat().map(({ id }) => id)).size, 1000);
      assert.equal(fakes.asked.length, 1000);
      await gone(1);
      fakes.close();
    });

    test("a thousand calls leave nothing behind", async (t) => {
      const fakes = await startFakes(t, redis.port, 1, ({ request, reply }) => {
        if (request.type === 5) {
          reply({ sockets: [socketOf("s")] });
        }
      });
      const io = new Emitter(client);
      const controller = new AbortController();
      await io.fetchSockets();
      await gone(1);
      const connections = async () => (await redis.admin.client("LIST")).trim().split("\n").length;
      const before = await connections();
      const count = (type) => process.getActiveResourcesInfo().filter((held) => held === type).length;
      const resources = () => ({ sockets: count("TCPSocketWrap"), timers: count("Timeout") });
      await until("the proxy has settled", () => proxy.sockets.size === 2);
      const heldBefore = resources();
      for (let round = 0; round < 100; round++) {
        const calls = [io.timeout(5).emitWithAck("never").catch(none)];
        for (let i = 0; i < 9; i++) {
          calls.push(io.signal(controller.signal).fetchSockets());
        }
        const results = await Promise.all(calls);
        assert.ok(results.slice(1).every((sockets) => sockets.length === 1));
      }
      assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
      await gone(1);
      await until("no connection is left", async () => (await connections()) === before);
      await until("nothing is held", () => proxy.sockets.size === 2);
      const { sockets, timers } = resources();
      assert.ok(
        sockets <= heldBefore.sockets && timers <= heldBefore.timers,
        JSON.stringify([heldBefore, resources()]),
      );
      fakes.close();
    });
  });
}

/** Cuts a connection behind each question, once Redis has taken it, as long as a function says so. */
function cutBehindQuestions(proxy, wants) {
  proxy.hooks = {
    toRedis: ({ bytes, pass, state }) => {
      if (bytes.includes("requestId") && wants()) {
        state.cut = true;
      }
      pass();
    },
    toClient: ({ pass, cut, state }) => {
      if (state.cut) {
        cut();
      } else {
        pass();
      }
    },
  };
}

suite("a question whose connection breaks on a Redis Cluster", () => {
  let cluster;
  let proxy;
  before(async () => {
    cluster = await startCluster({ masters: 1 });
    proxy = await startProxy(cluster.nodes[0].port);
  });
  after(async () => {
    await proxy?.close();
    await cluster?.close();
  });
  const address = () => `127.0.0.1:${cluster.nodes[0].port}`;
  const throughProxy = () => ({ [address()]: { host: "127.0.0.1", port: proxy.port } });
  const nodeRedis = ({ createCluster }) =>
    opened(createCluster({ rootNodes: [{ url: proxy.url }], nodeAddressMap: throughProxy() }));
  const variants = {
    "node-redis 5": () => nodeRedis(redis5),
    "node-redis 6": () => nodeRedis(redis6),
    ioredis: () => ioredisOf(new Cluster([{ host: "127.0.0.1", port: proxy.port }], { natMap: throughProxy() })),
  };
  for (const [name, connect] of Object.entries(variants)) {
    test(name, async (t) => {
      const { client, close } = await connect();
      t.after(close);
      const fakes = await startFakes(t, cluster.nodes[0].port, 1);
      const io = new Emitter(client);
      await until("the client is ready", async () => (await io.serverCount()) === 1);
      cutBehindQuestions(proxy, () => true);
      await assert.rejects(io.emitWithAck("ev"), refusal("maybe-asked"));
      await fakes.settle();
      assert.equal(fakes.asked.length, 1);
      proxy.hooks = {};
    });
  }
});
