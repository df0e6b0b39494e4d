"use strict";
// What the official adapters send to Redis when a server of Socket.IO 4 broadcasts or asks something of the others.
// vectors.js writes it to files. Each server runs in this process, with a real node-redis client and a Redis that
// only remembers.
//
// Two things are made the same in every run, where the packages make something random of them: the uid of the server
// is "emitter", which is what an emitter signs with, and the random bytes of a requestId are fixed.

const crypto = require("crypto");
const path = require("path");
const { startRecorder } = require("./recorder");

const fixed = (length) => Buffer.from(Array.from({ length }, (_, i) => i));
const NOTE = 'The uid of the server is replaced by "emitter"';
const REQUEST_NOTE = NOTE + ", and a requestId is made of the bytes 0, 1, 2 and so on instead of random ones";

// server starts a Socket.IO server whose adapter of one package talks to the recorder.
async function server(adapter) {
  const recorder = await startRecorder();
  const redis = require(require.resolve("redis", { paths: [path.dirname(require.resolve(adapter.alias))] }));
  const client = redis.createClient({ url: recorder.url });
  await client.connect();
  const pkg = require(adapter.alias);
  const { Server } = require("socket.io-4");
  const io = new Server();
  if (adapter.kind === "streams") {
    io.adapter(pkg.createAdapter(client, adapter.options));
  } else {
    const sub = client.duplicate();
    await sub.connect();
    const create = adapter.kind === "sharded" ? pkg.createShardedAdapter : pkg.createAdapter;
    io.adapter(create(client, sub, adapter.options));
  }
  return { io, recorder };
}

// run makes one call of a server's namespace, as a user would.
function run(io, call, expand) {
  const nsp = io.of(call.namespace);
  nsp.adapter.uid = "emitter";
  let op = nsp;
  for (const room of call.rooms) {
    op = op.to(room);
  }
  for (const room of call.except) {
    op = op.except(room);
  }
  if (call.flags && call.flags.volatile) {
    op = op.volatile;
  }
  if (call.flags && call.flags.compress !== undefined) {
    op = op.compress(call.flags.compress);
  }
  const args = expand(call.args);
  const ignored = () => {};
  switch (call.method) {
    case undefined:
      return op.emit(call.event, ...args);
    case "emitWithAck":
      return op.timeout(call.timeout).emit(...args, ignored);
    case "serverSideEmitWithAck":
      return nsp.serverSideEmit(...args, ignored);
    case "fetchSockets":
      return op.fetchSockets().catch(ignored);
    case "allRooms":
      return nsp.adapter.allRooms().catch(ignored);
    default:
      return op[call.method](...args);
  }
}

// A message is text or not; what is no text, and what is long, is written in another way.
function shown(argument, maxLength) {
  if (argument.length > maxLength) {
    return { $length: argument.length, $sha256: crypto.createHash("sha256").update(argument).digest("hex") };
  }
  const text = argument.toString("utf8");
  return Buffer.from(text).equals(argument) ? text : { $binary: argument.toString("base64") };
}

// The requests of servers, of which vectors.js takes those that an emitter has too.
const requests = [
  ["socketsJoin one room", { method: "socketsJoin", args: ["a"] }],
  ["socketsJoin rooms", { method: "socketsJoin", args: [["a", "b"]] }],
  ["socketsJoin of a room, except another", { rooms: ["r"], except: ["x"], method: "socketsJoin", args: [["a"]] }],
  ["socketsJoin of a namespace", { namespace: "/admin", method: "socketsJoin", args: ["a"] }],
  ["socketsJoin unicode and markup", { rooms: ["é😀"], method: "socketsJoin", args: ["<&>\u2028"] }],
  ["socketsLeave one room", { method: "socketsLeave", args: ["a"] }],
  ["socketsLeave rooms of rooms", { rooms: ["r", "s"], method: "socketsLeave", args: [["a", "b"]] }],
  ["disconnectSockets", { method: "disconnectSockets", args: [] }],
  ["disconnectSockets and close", { method: "disconnectSockets", args: [true] }],
  ["disconnectSockets of a room", { rooms: ["r"], except: ["x", "y"], method: "disconnectSockets", args: [true] }],
  ["serverSideEmit", { method: "serverSideEmit", args: ["ping"] }],
  ["serverSideEmit with arguments", { method: "serverSideEmit", args: ["ping", 1, "two", { three: [3, null, 0.1] }] }],
  ["serverSideEmit with binary", { method: "serverSideEmit", args: ["ping", Buffer.from([1, 2, 0xff])], notClassic: true }],
  ["serverSideEmit of a namespace", { namespace: "/admin", method: "serverSideEmit", args: ["ping", "é😀<&>"] }],
  ["serverSideEmit with an acknowledgement", { method: "serverSideEmitWithAck", args: ["ping", 1] }],
  ["serverSideEmit of a namespace with an acknowledgement", { namespace: "/admin", method: "serverSideEmitWithAck", args: ["ping"] }],
  ["fetchSockets", { method: "fetchSockets" }],
  ["fetchSockets of a room, except another", { rooms: ["r"], except: ["x"], method: "fetchSockets" }],
  ["fetchSockets of rooms in a namespace", { namespace: "/admin", rooms: ["r", "s"], method: "fetchSockets" }],
  ["emit with acknowledgements", { method: "emitWithAck", args: ["hello", "world"], timeout: 1000 }],
  ["emit with acknowledgements to a room", { rooms: ["r"], method: "emitWithAck", args: ["hello"], timeout: 1000 }],
  ["emit with acknowledgements to rooms, except another", { rooms: ["r", "s"], except: ["x"], method: "emitWithAck", args: ["hello", 1], timeout: 5000 }],
  ["emit with acknowledgements in a namespace", { namespace: "/admin", method: "emitWithAck", args: ["hello", { a: [null] }], timeout: 1000 }],
  ["emit with acknowledgements and binary", { method: "emitWithAck", args: ["hello", Buffer.from([1, 2, 0xff])], timeout: 1000 }],
];
// Type 0, sockets, is one that servers still answer, but these no longer send it.
const classicRequests = [
  ["allRooms", { method: "allRooms" }],
  ["allRooms of a namespace", { namespace: "/admin", method: "allRooms" }],
];

// Which of several streams a namespace belongs to. Those with a negative number are what a server writes to, and
// no server reads from.
const namespaces = ["/", "/admin", "/a", "/b", "/c", "/chat", "/orders", "/café 😀", "/\u0000", "/a rather long name of a namespace"].map(
  (namespace) => ["namespace " + namespace, { namespace }]
);

const sharded = (options) => ({ alias: "redis-adapter-8", kind: "sharded", options });
const streams = (options) => ({ alias: "@socket.io/redis-streams-adapter", kind: "streams", options });
const classic = (options) => ({ alias: "redis-adapter-8", kind: "classic", options });

// adapterFiles are the files, given what vectors.js has: the calls, and how to write their arguments.
function adapterFiles({ targets, values, expand, written, maxLength }) {
  const modes = [
    ["one room", { rooms: ["room1"] }],
    ["one room in a namespace, with binary", { namespace: "/admin", rooms: ["room1"], args: [Buffer.from([0xff])] }],
    ["one room of 20 characters", { rooms: ["abcdefghijklmnopqrst"] }],
    ["one room of 19 characters", { rooms: ["abcdefghijklmnopqrs"] }],
    ["one room of 20 UTF-16 units", { rooms: ["😀😀😀😀😀😀😀😀😀😀"] }],
    ["one room of 20 astral characters", { rooms: ["😀".repeat(20)] }],
    ["one room of 20 bytes", { rooms: ["é".repeat(10)] }],
    ["one room except another", { rooms: ["room1"], except: ["room2"] }],
  ];
  const file = (adapter, note, entries) => ({
    alias: adapter.alias,
    note: `${note} ${entries.some(([, call]) => call.method) ? REQUEST_NOTE : NOTE}.`,
    vectors: () => vectors(adapter, entries),
  });

  async function vectors(adapter, entries) {
    const { io, recorder } = await server(adapter);
    const list = [];
    for (const [name, { argsJSON, notClassic, ...given }] of entries) {
      const call = { namespace: "/", rooms: [], except: [], ...given };
      if (!call.method) {
        call.flags = call.flags || {};
        call.event = call.event === undefined ? "hello" : call.event;
      }
      call.args = argsJSON !== undefined ? JSON.parse(argsJSON) : call.args || [];
      const command = await recorder.sent(() => run(io, call, expand));
      const { namespace, rooms, except, flags, event, method, timeout } = call;
      list.push({
        name,
        call: {
          namespace, rooms, except,
          ...(method ? { method, ...(timeout && { timeout }) } : { flags, event }),
          args: written(call.args),
          ...(argsJSON !== undefined && { argsJSON }),
        },
        command: command.map((argument) => shown(argument, maxLength)),
      });
    }
    return list;
  }

  const all = "Broadcasts with the options of the adapter left alone.";
  return {
    "sharded-adapter-8.3.0.json": file(sharded(), all, [...targets, ...modes.slice(1), ...values]),
    "sharded-adapter-8.3.0-static.json": file(sharded({ subscriptionMode: "static" }), 'Broadcasts with subscriptionMode: "static".', [...targets, ...modes.slice(1)]),
    "sharded-adapter-8.3.0-dynamic-private.json": file(
      sharded({ subscriptionMode: "dynamic-private" }),
      'Broadcasts with subscriptionMode: "dynamic-private".',
      [...targets, ...modes.slice(1)]
    ),
    "sharded-adapter-8.3.0-prefix.json": file(sharded({ channelPrefix: "my key" }), 'Broadcasts and a request with channelPrefix: "my key".', [
      ...modes.slice(0, 2),
      requests[0],
    ]),
    "sharded-adapter-8.3.0-requests.json": file(sharded(), "Requests: the call names a method instead of an event.", requests),
    "streams-adapter-0.3.1.json": file(streams(), all, [...targets, ...values]),
    "streams-adapter-0.3.1-options.json": file(
      streams({ streamName: "my stream", maxLen: 500, channelPrefix: "my key" }),
      'Broadcasts and requests with streamName: "my stream", maxLen: 500, channelPrefix: "my key".',
      [...modes.slice(0, 2), requests[0], requests[10]]
    ),
    "streams-adapter-0.3.1-streams-3.json": file(
      streams({ streamCount: 3 }),
      "Broadcasts with streamCount: 3. A stream with a negative number is written and read by nobody.",
      [...namespaces, ...modes.slice(0, 2)]
    ),
    "streams-adapter-0.3.1-requests.json": file(streams(), "Requests: the call names a method instead of an event.", requests),
    "streams-adapter-0.3.1-requests-sharded-pubsub.json": file(
      streams({ useShardedPubSub: true }),
      "Requests with useShardedPubSub: true.",
      requests
    ),
    "classic-adapter-8.3.0-requests.json": file(
      classic(),
      "Requests: the call names a method instead of an event.",
      [...requests.filter(([, call]) => !call.notClassic), ...classicRequests]
    ),
  };
}

// The packages ask the module for random bytes each time that they need some.
async function withFixedIDs(make) {
  const { randomBytes, pseudoRandomBytes } = crypto;
  crypto.randomBytes = crypto.pseudoRandomBytes = fixed;
  try {
    return await make();
  } finally {
    Object.assign(crypto, { randomBytes, pseudoRandomBytes });
  }
}

module.exports = { adapterFiles, requests, withFixedIDs };
