// What servers in Python are told, and what is refused because they have no word for it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Emitter } from "sioemit";
import { keeping, refusal } from "./support.mjs";

const id = "abcdefghijklmnopqrst";
const python = (options) => keeping({ adapter: "python", ...options });
const message = ([, , text]) => JSON.parse(text);

function nested(levels, innermost = null) {
  let value = innermost;
  for (let level = 0; level < levels; level++) {
    value = level % 2 === 0 ? [value] : { a: value };
  }
  return value;
}

suite("servers in Python", () => {
  test("an event", async () => {
    const { io, commands } = python({ channel: "flask-socketio" });
    await io
      .of("admin")
      .to("a", 5)
      .except(id)
      .volatile.compress(true)
      .emit("ev", { at: new Date(0), no: undefined }, -0);
    assert.deepEqual(commands[0].slice(0, 2), ["PUBLISH", "flask-socketio"]);
    assert.deepEqual(message(commands[0]), {
      method: "emit",
      event: "ev",
      data: [{ at: "1970-01-01T00:00:00.000Z" }, 0],
      binary: false,
      namespace: "/admin",
      room: ["a", 5],
      skip_sid: id,
      callback: null,
      host_id: "emitter",
    });
  });

  test("an empty channel is the default", async () => {
    const { io, commands } = python({ channel: "" });
    await io.emit("ev");
    assert.equal(commands[0][1], "socketio");
  });

  test("binary of every size stands beside its arguments", async () => {
    const { io, commands } = python({ allowBinary: true });
    const values = [0, 1, 255, 256, 65535, 65536].map((size) => Buffer.alloc(size, size));
    await io.emit("ev", values, "x");
    const { data, binary } = message(commands[0]);
    assert.equal(binary, true);
    assert.deepEqual(data[0], [values.map((_, num) => ({ _placeholder: true, num })), "x"]);
    assert.deepEqual(
      data.slice(1).map((text) => Buffer.from(text, "base64")),
      values,
    );
  });

  test("a placeholder of the caller's is no binary", async () => {
    const { io, commands } = python();
    await io.emit("ev", { _placeholder: true, num: 0 });
    assert.deepEqual(message(commands[0]).data, [{ _placeholder: true, num: 0 }]);
  });

  test("values that they cannot read", async () => {
    const { io, commands } = python();
    for (const [args, reason, argument, text] of [
      [[null], "unencodable", 0, /only argument/],
      [[undefined], "unencodable", 0, /only argument/],
      [[{ toJSON: () => null }], "unencodable", 0, /only argument/],
      [[1, { a: [new Uint8Array(1)] }], "unencodable", 1, /allowBinary/],
      [Array(11).fill(Buffer.of(1)), "unencodable", 0, /allowBinary/],
      [["x", nested(301)], "too-deep", 1, /300 levels/],
      [[nested(1001)], "too-deep", 0, /levels/],
    ]) {
      await assert.rejects(io.emit("ev", ...args), (error) => {
        assert.equal(error.argument, argument);
        return refusal(reason, text)(error);
      });
    }
    assert.deepEqual(commands, []);
    await io.emit("ev", nested(300), null);
    assert.equal(commands.length, 1);
  });

  test("where binary is allowed", async () => {
    const { io, commands } = python({ allowBinary: true, maxAttachments: 2 });
    const binary = Buffer.of(1);
    await assert.rejects(io.emit("ev", null), refusal("unencodable", /only argument/));
    await assert.rejects(io.emit("ev", binary, binary, binary), refusal("unencodable", /maxAttachments/));
    await assert.rejects(io.emit("ev", binary, { _placeholder: true }), refusal("unencodable", /_placeholder/));
    await assert.rejects(io.emit("ev", nested(300, binary)), refusal("too-deep")); // the placeholder is a level
    assert.deepEqual(commands, []);
    await io.emit("ev", nested(299, binary), binary);
    assert.equal(message(commands[0]).data.length, 3);
  });

  test("except leaves out socket ids only", async () => {
    const { io, commands } = python();
    for (const rooms of [["room"], [id, "room"], [5], [`${id}x`], [`/a#${id}`]]) {
      await assert.rejects(io.except(...rooms).emit("ev"), refusal("except-room"), String(rooms));
    }
    assert.deepEqual(commands, []);
  });

  test("requests", async () => {
    const { io, commands } = python();
    const socket = io.of("/n").to(id);
    await socket.socketsJoin("a");
    await socket.socketsLeave(5);
    await socket.disconnectSockets();
    await io.socketsLeave("a");
    assert.deepEqual(commands.map(message), [
      { method: "enter_room", sid: id, room: "a", namespace: "/n", host_id: "emitter" },
      { method: "leave_room", sid: id, room: 5, namespace: "/n", host_id: "emitter" },
      { method: "disconnect", sid: id, namespace: "/n", host_id: "emitter" },
      { method: "close_room", room: "a", namespace: "/", host_id: "emitter" },
    ]);
  });

  test("requests without a counterpart", async () => {
    const other = id.toUpperCase();
    for (const call of [
      (io) => io.socketsJoin("a"),
      (io) => io.to("room").socketsJoin("a"),
      (io) => io.to(5).socketsJoin("a"),
      (io) => io.to(id, other).socketsJoin("a"),
      (io) => io.to(id).socketsJoin("a", "b"),
      (io) => io.to(id).except(other).socketsJoin("a"),
      (io) => io.to("room").socketsLeave("a"),
      (io) => io.to(id).socketsLeave("a", "b"),
      (io) => io.except(id).socketsLeave("a"),
      (io) => io.socketsLeave("a", "b"),
      (io) => io.disconnectSockets(),
      (io) => io.to("room").disconnectSockets(),
      (io) => io.to(id).disconnectSockets(true),
      (io) => io.to(id).except(other).disconnectSockets(),
      (io) => io.serverSideEmit("ev"),
    ]) {
      const { io, commands } = python();
      await assert.rejects(call(io), refusal("no-counterpart"), call.toString());
      await assert.rejects(io.pipeline(call), refusal("no-counterpart"), call.toString());
      assert.deepEqual(commands, [], call.toString());
    }
  });

  test("ids of their own", async () => {
    const { io, commands } = python({ socketIds: /user-\d+/ });
    await io.except("user-7").emit("ev");
    await io.to("user-7").socketsJoin("a");
    await assert.rejects(io.except(id).emit("ev"), refusal("except-room"));
    await assert.rejects(io.to(id).socketsJoin("a"), refusal("no-counterpart"));
    assert.equal(commands.length, 2);
  });

  test("options", () => {
    const { client } = keeping();
    for (const option of [
      { channel: 5 },
      { allowBinary: "yes" },
      { key: "x" },
      { codec: "json" },
      { channelPrefix: "x" },
      { serverVersion: 3 },
    ]) {
      assert.throws(
        () => new Emitter(client, { adapter: "python", ...option }),
        refusal("adapter-option"),
        JSON.stringify(option),
      );
    }
    assert.throws(() => new Emitter(client, { adapter: "python", channel: "\ud800" }), refusal("invalid-text"));
    for (const option of [{ channel: "x" }, { adapter: "streams", allowBinary: true }]) {
      assert.throws(() => new Emitter(client, option), refusal("adapter-option", /python/), JSON.stringify(option));
    }
  });
});
