// What becomes of values.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { runInNewContext } from "node:vm";
import { Emitter as Official } from "@socket.io/redis-emitter";
import { arrives, decode, keeping, refusal } from "./support.mjs";

/** Returns what the official emitter publishes. */
function officially(event, ...args) {
  let message;
  new Official({
    publish: (_channel, bytes) => {
      message = bytes;
    },
  }).emit(event, ...args);
  return message;
}

async function published(...args) {
  const { io, commands } = keeping();
  await io.emit(...args);
  return commands[0].at(-1);
}

/** A generator of pseudo-random numbers, so that a failure can be repeated. */
function mulberry(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomValue(random, depth = 0) {
  const below = (n) => Math.floor(random() * n);
  switch (below(depth < 4 ? 9 : 6)) {
    case 0:
      return [null, true, false][below(3)];
    case 1:
      return below(2 ** below(33)) * (below(2) ? 1 : -1);
    case 2:
      return Math.round((random() - 0.5) * 2 ** below(54));
    case 3:
      return (random() - 0.5) * 10 ** (below(40) - 30); // beyond 2^53 the official one writes integers
    case 4:
      return "x".repeat([0, 5, 31, 32, 255, 256, 70_000][below(7)]);
    case 5:
      return ["é", "日本", "😀", "a\u0000b", "\u2028", "é".repeat(15), "é".repeat(16), "😀".repeat(80)][below(8)];
    case 6:
      return Array.from({ length: [0, 1, 3, 15, 16, 17][below(6)] }, () => randomValue(random, depth + 1));
    case 7:
      return Buffer.alloc([0, 1, 255, 256, 65_536][below(5)], 7);
    default:
      return Object.fromEntries(
        Array.from({ length: [0, 1, 3, 15, 16, 17][below(6)] }, (_, i) => [
          below(2) ? `key${i}` : String(below(1000)),
          randomValue(random, depth + 1),
        ]),
      );
  }
}

suite("the bytes are those of the official emitter", () => {
  test("of a thousand random values", async () => {
    const random = mulberry(7);
    const { io, commands } = keeping({ maxAttachments: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 1000; i++) {
      const value = randomValue(random);
      const bytes = officially("ev", value, i);
      await io.emit("ev", value, i);
      assert.ok(bytes.equals(commands.pop()[2]), `value ${i}: ${JSON.stringify(value).slice(0, 500)}`);
    }
  });

  test("of each length at which a form changes", async () => {
    for (const n of [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
      for (const value of ["x".repeat(n), "é".repeat(n), Array(n).fill(0), Buffer.alloc(n)]) {
        assert.ok(officially("ev", value).equals(await published("ev", value)));
      }
    }
  });
});

suite("the client receives what JSON.stringify would have sent", () => {
  class Point {
    constructor(x) {
      this.x = x;
    }
    get double() {
      return 2 * this.x;
    }
    static z = 1;
  }
  const values = {
    "undefined as an argument": undefined,
    "undefined in an array": [undefined, 1],
    "undefined in an object": { a: undefined, b: 1 },
    "a function in an object": { a() {}, b: 1 },
    "a function in an array": [() => {}, 1],
    "a symbol": [Symbol("x"), { [Symbol("y")]: 1, z: Symbol("z") }],
    "a hole in an array": Object.assign(Array(3), { 0: 1, 2: 3 }),
    "a date": new Date("2026-01-02T03:04:05.678Z"),
    "a date that is none": { at: new Date(Number.NaN) },
    "an instance of a class": new Point(3),
    "an object without a prototype": Object.assign(Object.create(null), { a: 1 }),
    "boxed primitives": [Object(1), Object("x"), Object(true)],
    "an error": new Error("x"),
    "a regular expression": /x/,
    toJSON: { a: { toJSON: (key) => ({ key, nested: { toJSON: (key) => key } }) }, b: [{ toJSON: (key) => key }] },
    "toJSON that returns undefined": { a: { toJSON() {} }, b: 1 },
    "toJSON that returns itself": {
      a: 1,
      toJSON() {
        return this;
      },
    },
    "toJSON on an array": Object.assign([1], { toJSON: () => "list" }),
    "inherited members": Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }),
    "members that are not enumerable": Object.defineProperty({ a: 1 }, "b", { value: 2, enumerable: false }),
    "negative zero": [-0, { a: -0 }],
    "2^53": [2 ** 53, -(2 ** 53), 2 ** 53 + 2, 2 ** 64, -(2 ** 63), 1e300],
    "array-index keys": { b: 1, 10: 2, 9: 3, "01": 4 },
    "a proxy": new Proxy({ a: 1 }, {}),
    "20 members, of which 18 are left out": Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`k${i}`, i < 18 ? undefined : [i]]),
    ),
    "70,000 members, of which half are left out": Object.fromEntries(
      Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i % 2 ? undefined : i]),
    ),
    "much, with members that are left out": Array.from({ length: 5000 }, (_, i) => ({
      a: undefined,
      b: { c: `text ${i}`, d: undefined },
      [i % 2 ? "e" : "f"]: undefined,
    })),
  };
  for (const [name, value] of Object.entries(values)) {
    test(name, async () => {
      const want = JSON.parse(JSON.stringify([value]))[0];
      assert.deepEqual(await arrives(value), want);
      assert.deepEqual(await arrives(value, { codec: "json" }), want);
    });
  }

  test("what comes from another realm, as in tests with Jest", async () => {
    const other = runInNewContext(
      "({ plain: { a: [1] }, boxed: Object(5), bytes: new Uint8Array([1]).buffer, map: new Map() })",
    );
    assert.deepEqual(await arrives([other.plain, other.boxed, other.bytes]), [{ a: [1] }, 5, Buffer.of(1)]);
    await assert.rejects(arrives(other.map), refusal("unencodable", /Map/));
  });

  test("BigInt up to 2^53", async () => {
    assert.deepEqual(await arrives([5n, -(2n ** 53n), Object(7n)]), [5, -(2 ** 53), 7]);
  });

  test("BigInt with a toJSON", async () => {
    Object.defineProperty(BigInt.prototype, "toJSON", {
      configurable: true,
      value() {
        return this.toString();
      },
    });
    try {
      assert.deepEqual(await arrives([2n ** 64n]), ["18446744073709551616"]);
    } finally {
      Reflect.deleteProperty(BigInt.prototype, "toJSON");
    }
  });

  test("half surrogate pairs become U+FFFD", async () => {
    for (const text of ["a\ud800b", "\udc00", `${"x".repeat(40)}\ud83d`, "\ud83d\ude00\ud83d", "é\ud800é"]) {
      for (const options of [undefined, { codec: "json" }]) {
        assert.deepEqual(await arrives({ [text]: text }, options), { [text.toWellFormed()]: text.toWellFormed() });
      }
    }
  });
});

suite("binary arrives as binary", () => {
  const bytes = Buffer.from([0, 1, 2, 255]);
  const own = new ArrayBuffer(6);
  new Uint8Array(own).set(bytes, 1);
  const shared = new SharedArrayBuffer(4);
  new Uint8Array(shared).set(bytes);
  const values = {
    Buffer: bytes,
    Uint8Array: new Uint8Array(bytes),
    ArrayBuffer: own.slice(1, 5),
    SharedArrayBuffer: shared,
    "a part of an ArrayBuffer": new Uint8Array(own, 1, 4),
    DataView: new DataView(own, 1, 4),
    Uint16Array: new Uint16Array(new Uint8Array(bytes).buffer),
    Float32Array: new Float32Array(new Uint8Array(bytes).buffer),
    "from toJSON": { toJSON: () => bytes },
  };
  for (const [name, value] of Object.entries(values)) {
    test(name, async () => {
      assert.deepEqual(await arrives(value), bytes);
      assert.deepEqual(await arrives({ a: [value] }), { a: [bytes] });
      const { io, commands } = keeping({ codec: "json" });
      await assert.rejects(io.emit("ev", 1, { a: value }), refusal("binary-in-json"));
      assert.equal(commands.length, 0);
    });
  }
});

suite("what is refused", () => {
  const deep = (n, wrap) => {
    let value = 1;
    for (let i = 0; i < n; i++) {
      value = wrap(value);
    }
    return value;
  };
  class Node {
    constructor(next) {
      this.next = next;
    }
    toJSON() {
      return { next: this.next };
    }
  }
  const loop = {};
  loop.a = { b: [{ toJSON: () => loop }] };
  const values = [
    ["NaN", { a: [Number.NaN] }, "unencodable", /argument 2 of event "ev": NaN/],
    ["Infinity", Number.POSITIVE_INFINITY, "unencodable", /Infinity/],
    ["a BigInt beyond 2^53", [2n ** 53n + 1n], "unencodable", /BigInt 9007199254740993/],
    ["a Map", new Map([[1, 2]]), "unencodable", /Map/],
    ["a Set", { a: new Set() }, "unencodable", /Set/],
    ["a WeakMap", new WeakMap(), "unencodable", /WeakMap/],
    ["a promise", [Promise.resolve(1)], "unencodable", /await/],
    ["a Blob", new Blob(["x"]), "unencodable", /arrayBuffer/],
    ["a function as an argument", () => {}, "unencodable", /acknowledgements/],
    ["a cycle", loop, "unencodable", /holds itself/],
    ["1,001 levels", deep(1001, (v) => [v]), "too-deep", /1000 levels/],
    ["1,001 levels of toJSON", deep(1001, (v) => new Node(v)), "too-deep", /1000 levels/],
    ["a million levels", deep(1_000_000, (v) => ({ v })), "too-deep", /1000 levels/],
    ["__proto__", JSON.parse('{"a":{"__proto__":1}}'), "unencodable", /__proto__/],
    ["a placeholder beside binary", [{ _placeholder: 1 }, Buffer.of(1)], "unencodable", /_placeholder/],
    ["hasOwnProperty beside binary", [Buffer.of(1), { hasOwnProperty: 1 }], "unencodable", /hasOwnProperty/],
    ["11 binaries", Array(11).fill(Buffer.of(1)), "unencodable", /maxAttachments/],
  ];
  for (const [name, value, reason, text] of values) {
    test(name, async () => {
      const adapters = [{}, { codec: "json" }, { adapter: "sharded" }, { adapter: "streams" }];
      for (const options of adapters.filter(({ codec }) => codec === undefined || !/binar/.test(name))) {
        const { io, commands } = keeping(options);
        await assert.rejects(io.emit("ev", 1, value), (error) => refusal(reason, text)(error) && error.argument === 1);
        await assert.rejects(
          io.pipeline((io) => {
            io.emit("ok");
            io.emit("ev", 1, value);
          }),
          refusal(reason, text),
        );
        assert.deepEqual(commands, []);
      }
    });
  }

  test("what toJSON and getters throw is the cause", async () => {
    const cause = new Error("mine");
    const fail = () => {
      throw cause;
    };
    const { io } = keeping();
    for (const value of [{ toJSON: fail }, Object.defineProperty({}, "a", { get: fail, enumerable: true })]) {
      await assert.rejects(
        io.emit("ev", value),
        (error) => refusal("unencodable", /mine/)(error) && error.cause === cause,
      );
    }
  });

  test("the argument that is to blame", async () => {
    const { io } = keeping();
    await assert.rejects(io.emit("ev", Buffer.of(1), 2, { _placeholder: true }), ({ argument }) => argument === 2);
    await assert.rejects(io.emit("ev", { _placeholder: true }, 2, Buffer.of(1)), ({ argument }) => argument === 0);
  });
});

suite("what is not refused", () => {
  test("1,000 levels, also in what toJSON returns", async () => {
    let plain = 1;
    let made = 1;
    for (let i = 0; i < 1000; i++) {
      plain = [plain];
      const inner = made;
      made = { toJSON: () => [inner] };
    }
    for (const options of [undefined, { codec: "json" }]) {
      const text = JSON.stringify(plain);
      assert.equal(JSON.stringify(await arrives(plain, options)), text);
      assert.equal(JSON.stringify(await arrives(made, options)), text);
    }
  });

  test("a value that is there twice", async () => {
    const twice = { a: 1 };
    assert.deepEqual(await arrives([twice, twice, { twice }]), [twice, twice, { twice }]);
  });

  test("a placeholder that is false, and special keys without binary", async () => {
    const value = [{ _placeholder: false, b: Buffer.of(1) }, { _placeholder: 0 }, { _placeholder: "" }];
    assert.deepEqual(await arrives(value), value);
    assert.deepEqual(await arrives({ _placeholder: true, hasOwnProperty: 1 }), {
      _placeholder: true,
      hasOwnProperty: 1,
    });
  });

  test("more binaries, where the clients take them", async () => {
    const value = Array(50).fill(Buffer.of(1));
    assert.deepEqual(await arrives(value, { maxAttachments: 50 }), value);
    assert.deepEqual(await arrives(value, { maxAttachments: Number.POSITIVE_INFINITY }), value);
  });

  test("binary for servers, beside what only clients would not survive", async () => {
    const { io, commands } = keeping({ adapter: "sharded" });
    await io.serverSideEmit("ev", Array(11).fill(Buffer.of(1)), { _placeholder: true });
    assert.deepEqual(decode(commands[0][2]).data.packet[2], { _placeholder: true });
  });
});

suite("the writer's memory", () => {
  test("messages do not overwrite each other", async () => {
    const { io, commands } = keeping();
    const sizes = [1, 500, 40_000, 3, 32_768, 200_000, 7];
    for (let round = 0; round < 50; round++) {
      for (const size of sizes) {
        await io.emit("ev", String.fromCharCode(97 + (round % 26)).repeat(size));
      }
    }
    commands.forEach(([, , message], i) => {
      const text = decode(message)[1].data[1];
      const round = Math.floor(i / sizes.length);
      assert.equal(text, String.fromCharCode(97 + (round % 26)).repeat(sizes[i % sizes.length]));
    });
  });

  test("an event that is emitted while another one is written", async () => {
    const { io, commands } = keeping();
    const inner = [];
    await io.emit(
      "outer",
      "before",
      {
        toJSON: () => {
          inner.push(io.emit("inner", "x".repeat(100)));
          return "made";
        },
      },
      "after",
    );
    await Promise.all(inner);
    const data = commands.map(([, , message]) => decode(message)[1].data);
    assert.deepEqual(data, [
      ["inner", "x".repeat(100)],
      ["outer", "before", "made", "after"],
    ]);
  });

  test("a refusal leaves nothing behind", async () => {
    const { io, commands } = keeping();
    await assert.rejects(io.emit("ev", Buffer.of(1), { _placeholder: false, a: "x".repeat(100_000), b: Number.NaN }));
    await io.emit("ev", { _placeholder: true });
    assert.deepEqual(decode(commands[0][2])[1], { type: 2, data: ["ev", { _placeholder: true }], nsp: "/" });
  });
});
