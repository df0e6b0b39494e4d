// What would be published, installed into an empty project: the README's programs and the example run there, and reach the
// clients of real servers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis-6";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { startRedis, until } from "./redis.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const text = await readFile(join(root, "README.md"), "utf8");
const programs = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

/** Starts a server of Socket.IO, and a client of it that notes what it gets. */
async function startSocketIO(url, adapter) {
  const redis = [];
  const newClient = async () => {
    const client = createClient({ url });
    client.on("error", () => {});
    redis.push(await client.connect());
    return client;
  };
  const http = createServer().listen(0, "127.0.0.1");
  const io = new Server(http, { adapter: await adapter(newClient) });
  const serverSide = [];
  for (const nsp of ["/", "/admin"]) {
    io.of(nsp).on("reload", (...args) => serverSide.push([nsp, ...args]));
  }
  io.on("connection", (socket) => socket.on("join", (rooms, done) => done(socket.join(rooms))));
  await until("it listens", () => http.address());
  const socket = connect(`http://127.0.0.1:${http.address().port}`, { transports: ["websocket"] });
  const events = [];
  socket.onAny((...event) => events.push(event));
  socket.on("ready?", (round, answer) => answer(`yes to ${round}`));
  let disconnects = 0;
  socket.on("disconnect", () => {
    disconnects++;
  });
  await until("the client is connected", () => socket.connected);
  await socket.emitWithAck("join", ["room1", "lobby", 5, "user:7", "user:12345", "user:ada"]);
  return {
    events,
    serverSide,
    disconnects: () => disconnects,
    close: async () => {
      socket.disconnect();
      await io.close();
      for (const client of redis) {
        await client.close();
      }
    },
  };
}

const classic = async (newClient) => createAdapter(await newClient(), await newClient());

suite("the package, installed", () => {
  let project;
  let redis;
  before(async () => {
    redis = await startRedis();
    project = await mkdtemp(join(tmpdir(), "sioemit-package-"));
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: root });
    const [{ filename, files }] = JSON.parse(stdout);
    const names = files.map(({ path }) => path);
    for (const name of ["LICENSE", "README.md", "dist/cjs/index.js", "dist/cjs/package.json", "dist/esm/index.d.ts"]) {
      assert.ok(names.includes(name), name);
    }
    assert.ok(
      names.every((name) => /^(LICENSE|README\.md|package\.json|dist\/.*)$/.test(name)),
      String(names),
    );
    await writeFile(join(project, "package.json"), '{"private":true}');
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], { cwd: project });
    await mkdir(join(project, "node_modules"), { recursive: true });
    for (const [name, installed] of Object.entries({ redis: "redis-6", ioredis: "ioredis" })) {
      await symlink(join(root, "node_modules", installed), join(project, "node_modules", name));
    }
  });
  after(async () => {
    await redis?.close();
    await rm(project, { recursive: true, force: true });
  });

  const runProgram = async (name, code) => {
    const file = join(project, name);
    await writeFile(file, code.replaceAll("redis://localhost:6379", redis.url));
    return run(process.execPath, [file], { cwd: project, env: { ...process.env, REDIS_URL: redis.url } });
  };

  test("the README's programs reach a client", async () => {
    assert.equal(programs.length, 6);
    const [esm, cjs, asking, confirming, python, errors] = programs;
    const server = await startSocketIO(redis.url, classic);
    try {
      await runProgram("first.mjs", esm);
      await until("the events", () => server.events.length === 2);
      assert.deepEqual(server.events, [
        ["hello", "world"],
        ["order:paid", { id: 12345, total: 19.99 }],
      ]);
      const asked = await runProgram("asking.mjs", asking);
      assert.match(asked.stdout, /^\[ 'yes to round 7' \]\n\S{20} \[/);
      const confirmed = await runProgram("confirming.mjs", confirming);
      assert.equal(confirmed.stdout, "1 servers have it\n");
      const { stdout, stderr } = await runProgram("errors.mjs", errors);
      assert.equal(stdout, "unencodable 0\n");
      assert.match(stderr, /^empty-room /);
    } finally {
      await server.close();
    }
    const sharded = await startSocketIO(redis.url, async (newClient) =>
      createShardedAdapter(await newClient(), await newClient()),
    );
    try {
      await runProgram("second.cjs", cjs);
      await until("the event", () => sharded.events.length === 1);
      assert.deepEqual(sharded.events, [["hello", 1]]);
    } finally {
      await sharded.close();
    }
    const listener = await createClient({ url: redis.url }).connect();
    try {
      const heard = [];
      await listener.subscribe("flask-socketio", (message) => heard.push(JSON.parse(message)));
      await runProgram("python.mjs", python);
      await until("the message", () => heard.length === 1);
      const [{ event, room, data }] = heard;
      assert.deepEqual([event, room, data], ["order:paid", "user:7", [{ id: 12345 }]]);
    } finally {
      await listener.close();
    }
  });

  test("the example reaches a client", async () => {
    await cp(join(root, "examples/notify.mjs"), join(project, "notify.mjs"));
    const server = await startSocketIO(redis.url, classic);
    try {
      const { stderr } = await run(process.execPath, ["notify.mjs"], {
        cwd: project,
        env: { ...process.env, REDIS_URL: redis.url },
      });
      assert.equal(stderr, "");
      await until("the events", () => server.events.length === 2);
      assert.deepEqual(server.events, [
        ["order", { id: 12345, title: "Order shipped", receipt: Buffer.from("%PDF-1.7") }],
        ["typing", { user: "support" }],
      ]);
    } finally {
      await server.close();
    }
  });

  const adapters = {
    classic,
    sharded: async (newClient) => createShardedAdapter(await newClient(), await newClient()),
    streams: async (newClient) => createStreamsAdapter(await newClient()),
  };
  for (const [adapter, make] of Object.entries(adapters)) {
    test(`every call, ${adapter}`, async () => {
      const servers = [await startSocketIO(redis.url, make), await startSocketIO(redis.url, make)];
      try {
        await runProgram(
          "calls.mjs",
          `import { Redis } from "ioredis";
          import { Emitter } from "sioemit";
          const redis = new Redis(process.env.REDIS_URL);
          const io = new Emitter(redis, { adapter: "${adapter}" });
          if ((await io.serverCount()) !== 2) throw new Error("not two servers");
          await io.emit("all", { a: [1, null, "é😀", 2 ** 53], at: new Date(0) }, Buffer.of(0, 255), new Float32Array(1));
          await io.to("room1", "user:ada", 5).emit("once");
          await io.to(5).emit("number");
          await io.to("5").emit("lost");
          await io.except("room1").emit("lost");
          await io.except(5).emit("lost");
          await io.of("/other").emit("lost");
          await io.to("room1").socketsJoin("later", 7);
          await io.to("room1").socketsLeave("user:ada");
          await io.serverSideEmit("reload", 1, { a: 2 });
          await redis.quit();`,
        );
        await runProgram(
          "more.mjs",
          `import { createClient } from "redis";
          import { Emitter } from "sioemit";
          const redis = await createClient({ url: process.env.REDIS_URL }).connect();
          const io = new Emitter(redis, { adapter: "${adapter}" });
          await io.pipeline((io) => {
            io.to("later").emit("joined", 1);
            io.to(7).emit("joined", 2);
            io.to("user:ada").emit("lost");
            io.emit("end");
          });
          await redis.close();`,
        );
        for (const server of servers) {
          await until("the end", () => server.events.some(([name]) => name === "end") && server.serverSide.length > 0);
          assert.deepEqual(server.events, [
            [
              "all",
              { a: [1, null, "é😀", 2 ** 53], at: "1970-01-01T00:00:00.000Z" },
              Buffer.of(0, 255),
              Buffer.alloc(4),
            ],
            ["once"],
            ["number"],
            ["joined", 1],
            ["joined", 2],
            ["end"],
          ]);
          assert.deepEqual(server.serverSide, [["/", 1, { a: 2 }]]);
          assert.equal(server.disconnects(), 0);
        }
        await runProgram(
          "last.mjs",
          `import { createClient } from "redis";
          import { Emitter } from "sioemit";
          const redis = await createClient({ url: process.env.REDIS_URL }).connect();
          await new Emitter(redis, { adapter: "${adapter}" }).to("room1").disconnectSockets(true);
          await redis.close();`,
        );
        await until("both clients are disconnected", () => servers.every((server) => server.disconnects() === 1));
      } finally {
        for (const server of servers) {
          await server.close();
        }
      }
    });
  }
});
