"use strict";
// Writes ../vectors/*.json: the bytes that the official emitters and adapters publish.
//
//   node vectors.js           write the files
//   node vectors.js --check   exit with 1 when a committed file differs
//
// Each emitter gets a Redis client that only remembers what it is told to publish. What servers send to each other is
// in vectors_adapters.js.

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const { toJSON } = require("./binary");
const { adapterFiles, requests, withFixedIDs } = require("./vectors_adapters");

const directory = path.join(__dirname, "..", "vectors");

// Longer payloads are given as a digest, so that the files stay small.
const MAX_PAYLOAD = 8 * 1024;

// repeat(value, n) is a long string, array or buffer; in a file it is {"$repeat":{"value":...,"count":n}}.
class Repeat {
  constructor(value, count) {
    this.value = value;
    this.count = count;
  }
  expand() {
    if (typeof this.value === "string") {
      return this.value.repeat(this.count);
    }
    if (Buffer.isBuffer(this.value)) {
      return Buffer.concat(Array(this.count).fill(this.value));
    }
    return Array(this.count).fill(this.value).flat();
  }
}
const repeat = (value, count) => new Repeat(value, count);

function map(value, leaf) {
  const own = leaf(value);
  if (own !== undefined) {
    return own;
  }
  if (Array.isArray(value)) {
    return value.map((item) => map(item, leaf));
  }
  if (value && typeof value === "object" && !Buffer.isBuffer(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item, leaf)]));
  }
  return value;
}
const expand = (value) => map(value, (v) => (v instanceof Repeat ? v.expand() : undefined));
const written = (value) =>
  map(value, (v) => {
    if (v instanceof Repeat) {
      return { $repeat: { value: toJSON(v.value), count: v.count } };
    }
    return Buffer.isBuffer(v) ? toJSON(v) : undefined;
  });

function sequence(n) {
  return Buffer.from(Array.from({ length: n }, (_, i) => i % 256));
}
function objectOf(n) {
  return Object.fromEntries(Array.from({ length: n }, (_, i) => ["k" + i, i]));
}

function record() {
  const published = [];
  return {
    published,
    // socket.io-emitter takes an object without hset for its options.
    hset() {},
    publish(channel, message) {
      published.push({ channel: String(channel), payload: Buffer.from(message) });
    },
  };
}

// Integers at every boundary of a MessagePack width, floats, text, arrays, objects, nothing.
const integers = [
  0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2147483647, 2147483648, 4294967295, 4294967296,
  2 ** 53 - 1, 2 ** 53,
];
const documents = [
  ...integers.flatMap((n) => (n === 0 ? [["integer 0", [0]]] : [["integer " + n, [n]], ["integer -" + n, [-n]]])),
  ["integer -32", [-32]],
  ["integer -33", [-33]],
  ["integer -129", [-129]],
  ["integer -32769", [-32769]],
  ["integer -2147483649", [-2147483649]],
  ["integral float text", null, "[1.0,1e3,-2.50e1]"],
  ["float 0.1", [0.1]],
  ["float -2.5", [-2.5]],
  ["float 1.5 fits float32", [1.5]],
  ["float pi", [Math.PI]],
  ["float smallest", [5e-324]],
  ["float smallest normal", [2.2250738585072014e-308]],
  ["float 1e-7", [1e-7]],
  ["float 4503599627370495.5", [4503599627370495.5]],
  ...[0, 1, 31, 32, 255, 256].map((n) => ["string of " + n, ["x".repeat(n)]]),
  ["string of 65535", [repeat("x", 65535)]],
  ["string of 65536", [repeat("x", 65536)]],
  ["unicode 2 bytes", ["é".repeat(15)]],
  ["unicode 2 bytes, 32 in all", ["é".repeat(16)]],
  ["unicode 3 bytes", ["日本語"]],
  ["unicode astral", ["😀 𝒳 👩‍👩‍👧"]],
  ["unicode astral, 256 bytes", ["😀".repeat(64)]],
  ["unicode astral, 65536 bytes", [repeat("😀", 16384)]],
  ["unicode combining and bidi", ["e\u0301 \u05d0 \u202e \ufeff"]],
  ["control characters", ["\u0000\u0001\t\n\r\"\\/\u007f\u2028\u2029"]],
  ["html", ["<a href=\"x\">&</a>"]],
  ["empty array", [[]]],
  ["array of 15", [Array.from({ length: 15 }, (_, i) => i)]],
  ["array of 16", [Array.from({ length: 16 }, (_, i) => i)]],
  ["array of 65535", [repeat([0], 65535)]],
  ["array of 65536", [repeat([0], 65536)]],
  ["empty object", [{}]],
  ["object of 15", [objectOf(15)]],
  ["object of 16", [objectOf(16)]],
  ["object of 17", [objectOf(17)]],
  ["object with an empty key", [{ "": 1 }]],
  ["object with a long key", [{ ["k".repeat(32)]: 1 }]],
  ["object with a unicode key", [{ "clé 😀": 1 }]],
  ["integer-like keys", null, '[{"b":1,"10":2,"9":3}]'],
  ["integer-like keys, nearly", null, '[{"01":1,"4294967294":2,"4294967295":3,"-1":4,"0":5}]'],
  ["null", [null]],
  ["true", [true]],
  ["false", [false]],
  ["null and booleans, nested", [{ a: null, b: [true, false, null] }]],
  ["nested", [{ a: { b: { c: [1, [2, [3, { d: "e" }]]] } } }]],
  ["nested 20 deep", [JSON.parse("[".repeat(20) + "]".repeat(20))]],
  ["order", [{ id: 12345, title: "Order shipped", price: 19.99, tags: ["a", "b", "c"], user: { id: "u_123", name: "Ada" } }]],
  ["no arguments", []],
  ["arguments of every type", [1, "two", 3.5, null, true, [4], { five: 5 }]],
  ["14 arguments", Array.from({ length: 14 }, (_, i) => i)],
  ["15 arguments", Array.from({ length: 15 }, (_, i) => i)],
  ["300 arguments", Array.from({ length: 300 }, (_, i) => i)],
];
const binaries = [
  ["binary empty", [Buffer.alloc(0)]],
  ["binary of 1", [Buffer.from([0xff])]],
  ["binary of 255", [sequence(255)]],
  ["binary of 256", [sequence(256)]],
  ["binary of 65535", [repeat(Buffer.from([7]), 65535)]],
  ["binary of 65536", [repeat(Buffer.from([7]), 65536)]],
  ["binary in an object", [{ file: Buffer.from([0, 1, 2]), name: "a" }]],
  ["binary in an array", [["a", Buffer.from([0, 1, 2]), "b"]]],
  ["binary deep", [{ a: [{ b: { c: [Buffer.from([1])] } }] }]],
  ["binary, several", [Buffer.from([1]), { b: Buffer.from([2]) }, [Buffer.from([3]), Buffer.from([4])], "end"]],
];
const targets = [
  ["hello world", { args: ["world"] }],
  ["namespace", { namespace: "/admin" }],
  ["namespace without slash", { namespace: "admin" }],
  ["namespace unicode", { namespace: "/café 😀" }],
  ["one room", { rooms: ["room1"] }],
  ["one room of a namespace", { namespace: "/admin", rooms: ["room1"] }],
  ["one room of 20 characters", { rooms: ["abcdefghijklmnopqrst"] }],
  ["room with # and *", { rooms: ["a#b*c"] }],
  ["room with a comma and spaces", { rooms: ["a, b c"] }],
  ["room unicode", { rooms: ["salle é😀"] }],
  ["room that is a number in text", { rooms: ["42"] }],
  ["two rooms", { rooms: ["room1", "room2"] }],
  ["17 rooms", { rooms: Array.from({ length: 17 }, (_, i) => "room" + i) }],
  ["the same room twice", { rooms: ["room1", "room1"] }],
  ["two rooms, one of them twice", { rooms: ["room2", "room1", "room2"] }],
  ["except", { except: ["room1"] }],
  ["except two", { except: ["room1", "room2"] }],
  ["except the same twice", { except: ["room1", "room1"] }],
  ["room and except", { rooms: ["room1"], except: ["room2"] }],
  ["volatile", { flags: { volatile: true } }],
  ["compress true", { flags: { compress: true } }],
  ["compress false", { flags: { compress: false } }],
  ["volatile and compress", { flags: { volatile: true, compress: true } }],
  ["volatile, not compressed", { flags: { volatile: true, compress: false } }],
  ["everything", { namespace: "/admin", rooms: ["a", "b"], except: ["c"], flags: { volatile: true, compress: false }, args: [{ a: 1 }] }],
  ["event empty", { event: "" }],
  ["event of 32 characters", { event: "e".repeat(32) }],
  ["event unicode", { event: "événement 😀" }],
];

// call runs one call of any emitter; what an old one does not know (except, compress) is not asked of it.
function run(emitter, call) {
  let io = emitter;
  if (call.namespace !== "/") {
    io = io.of(call.namespace);
  }
  for (const room of call.rooms) {
    io = io.to(room);
  }
  for (const room of call.except) {
    io = io.except(room);
  }
  if (call.flags && call.flags.volatile) {
    io = io.volatile;
  }
  if (call.flags && call.flags.compress !== undefined) {
    io = io.compress(call.flags.compress);
  }
  if (call.method) {
    io[call.method](...expand(call.args));
  } else {
    io.emit(call.event, ...expand(call.args));
  }
}

function vectors(create, entries) {
  return entries.flatMap(([name, given]) => {
    const { argsJSON, ...rest } = given;
    const call = { namespace: "/", rooms: [], except: [], ...rest };
    if (!call.method) {
      call.flags = call.flags || {};
      call.event = call.event === undefined ? "hello" : call.event;
    }
    call.args = argsJSON !== undefined ? JSON.parse(argsJSON) : call.args || [];
    const redis = record();
    run(create(redis), call);
    if (redis.published.length === 0) {
      throw new Error(name + " published nothing");
    }
    return redis.published.map(({ channel, payload }, i) => {
      const vector = {
        name: redis.published.length > 1 ? `${name} (message ${i + 1} of ${redis.published.length})` : name,
        call: {
          namespace: call.namespace,
          rooms: call.rooms,
          except: call.except,
          ...(call.method ? { method: call.method } : { flags: call.flags, event: call.event }),
          args: written(call.args),
          ...(argsJSON !== undefined && { argsJSON }),
        },
        channel,
      };
      if (payload.length <= MAX_PAYLOAD) {
        vector.payload = payload.toString("base64");
      } else {
        vector.payloadLength = payload.length;
        vector.payloadSHA256 = crypto.createHash("sha256").update(payload).digest("hex");
      }
      return vector;
    });
  });
}

const fromDocuments = (list) => list.map(([name, args, argsJSON]) => [name, argsJSON ? { argsJSON } : { args }]);
const targeted = (names) => targets.filter(([name]) => names.includes(name));

const withoutExcept = ["hello world", "namespace", "one room", "two rooms", "the same room twice", "volatile"];
const oldDocuments = fromDocuments(
  documents.filter(([name]) =>
    ["integer 1", "integer -1", "integer 65536", "float 0.1", "unicode astral", "string of 256", "no arguments",
      "arguments of every type", "nested", "object of 16", "null"].includes(name)
  )
);
const oldBinaries = fromDocuments(binaries.filter(([name]) => !name.includes("655")));

// The emitter has only the calls that need no answer.
const unanswered = ["socketsJoin", "socketsLeave", "disconnectSockets", "serverSideEmit"];
const emitterRequests = requests.filter(([, call]) => unanswered.includes(call.method) && !call.notClassic);

function emitter5(options) {
  const { Emitter } = require("redis-emitter-5");
  return (redis) => new Emitter(redis, options);
}

const files = {
  "redis-emitter-5.1.0.json": {
    alias: "redis-emitter-5",
    note: "Broadcasts in MessagePack, the default.",
    vectors: () =>
      vectors(emitter5(), [
        ...targets,
        ...fromDocuments(documents),
        ...fromDocuments(binaries),
      ]),
  },
  "redis-emitter-5.1.0-key.json": {
    alias: "redis-emitter-5",
    note: 'Broadcasts and a request with the option key: "my key".',
    vectors: () =>
      vectors(emitter5({ key: "my key" }), [
        ...targeted(["hello world", "namespace", "one room", "two rooms"]),
        emitterRequests[0],
      ]),
  },
  "redis-emitter-5.1.0-parser-json.json": {
    alias: "redis-emitter-5",
    note: "Broadcasts with the option parser: JSON (encode is JSON.stringify). Without binary, which JSON cannot carry.",
    vectors: () =>
      vectors(emitter5({ parser: { encode: JSON.stringify, decode: JSON.parse } }), [
        ...targets,
        ...fromDocuments(documents),
      ]),
  },
  "redis-emitter-5.1.0-requests.json": {
    alias: "redis-emitter-5",
    note: "Requests: the call names a method instead of an event. The payload is JSON text.",
    vectors: () => vectors(emitter5(), emitterRequests),
  },
  "redis-emitter-4.1.1.json": {
    alias: "redis-emitter-4",
    note: "For decoders: older bytes that a server still has to read.",
    vectors: () => {
      const { Emitter } = require("redis-emitter-4");
      return vectors((redis) => new Emitter(redis), [
        ...targeted([...withoutExcept, "except", "compress false", "everything"]),
        ...oldDocuments,
        ...oldBinaries,
        emitterRequests[0],
      ]);
    },
  },
  "socket.io-emitter-3.2.0.json": {
    alias: "socket.io-emitter-3",
    note: "For decoders: options have two keys (rooms, flags), there is no except.",
    vectors: () => {
      const create = require("socket.io-emitter-3");
      return vectors((redis) => create(redis), [...targeted(withoutExcept), ...oldDocuments, ...oldBinaries]);
    },
  },
  "socket.io-emitter-2.0.0.json": {
    alias: "socket.io-emitter-2",
    note: "For decoders: options have two keys, binary makes it packet type 5, and several rooms make several messages.",
    vectors: () => {
      const create = require("socket.io-emitter-2");
      return vectors((redis) => create(redis), [...targeted(withoutExcept), ...oldDocuments, ...oldBinaries]);
    },
  },
};

Object.assign(
  files,
  adapterFiles({
    targets,
    values: [...fromDocuments(documents), ...fromDocuments(binaries)],
    expand,
    written,
    maxLength: MAX_PAYLOAD,
  })
);

// One vector a line: a change then shows as a change of that line.
async function render({ alias, note, vectors }) {
  const manifest = JSON.parse(fs.readFileSync(path.join(__dirname, "node_modules", alias, "package.json")));
  const head = JSON.stringify({ package: manifest.name, version: manifest.version, note }).slice(0, -1);
  const text = head + ',"vectors":[\n' + (await withFixedIDs(vectors)).map((v) => JSON.stringify(v)).join(",\n") + "\n]}\n";
  // Some of the text is invisible or turns the line around, so it is all escaped.
  return text.replace(/[\u007f-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

async function main() {
  const check = process.argv.includes("--check");
  let stale = 0;
  fs.mkdirSync(directory, { recursive: true });
  for (const [name, file] of Object.entries(files)) {
    const target = path.join(directory, name);
    const text = await render(file);
    if (!check) {
      fs.writeFileSync(target, text);
    } else if (!fs.existsSync(target) || fs.readFileSync(target, "utf8") !== text) {
      console.error(`compat_test/vectors/${name} is not what the official package publishes`);
      stale++;
    }
  }
  for (const name of fs.readdirSync(directory)) {
    // What python-socketio publishes is in ../python/vectors.py.
    if (name.endsWith(".json") && !name.startsWith("python-socketio-") && !files[name]) {
      console.error(`compat_test/vectors/${name} is written by nobody`);
      stale++;
    }
  }
  process.exit(stale ? 1 : 0);
}

main();
