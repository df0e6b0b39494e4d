// Targets, options and refusals, and what becomes of a promise that nobody takes.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { suite, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import { BroadcastOperator, Emitter, SioemitError } from "sioemit";
import { decode, keeping, refusal } from "./support.mjs";

const message = (command) => (typeof command.at(-1) === "string" ? JSON.parse(command.at(-1)) : decode(command.at(-1)));

suite("targets", () => {
  test("operators never change", async () => {
    const { io, commands } = keeping();
    const room = io.to("a");
    room.to("b").except("c").volatile.compress(false).of("/n");
    await room.emit("ev");
    await io.emit("ev");
    assert.deepEqual(commands.map(message), [
      ["emitter", { type: 2, data: ["ev"], nsp: "/" }, { rooms: ["a"], flags: {}, except: [] }],
      ["emitter", { type: 2, data: ["ev"], nsp: "/" }, { rooms: [], flags: {}, except: [] }],
    ]);
  });

  test("rooms one by one, several, and lists", async () => {
    const { io, commands } = keeping();
    await io.to("a", ["b", "c"]).in(["a", "d"]).except(["x"], "y", "x").emit("ev");
    assert.deepEqual(message(commands[0])[2], { rooms: ["a", "b", "c", "d"], flags: {}, except: ["x", "y"] });
  });

  test("a list that changes later", async () => {
    const { io, commands } = keeping();
    const rooms = ["a", "b"];
    const op = io.to(rooms);
    rooms.push("c");
    await op.emit("ev");
    assert.deepEqual(message(commands[0])[2].rooms, ["a", "b"]);
  });

  test("nobody left out", async () => {
    const { io, commands } = keeping();
    await io.except().except([]).emit("ev");
    await io.except("x").except([]).emit("ev");
    assert.deepEqual(
      commands.map((command) => message(command)[2].except),
      [[], ["x"]],
    );
  });

  test("rooms that are numbers", async () => {
    const { io, commands } = keeping();
    await io.to(5).emit("ev");
    await io.to("a", 5, "5", -0, 1.5).except(7).emit("ev");
    await io.to(5).socketsJoin(6, "x");
    assert.deepEqual(
      commands.map(([, channel]) => channel),
      ["socket.io#/#", "socket.io#/#", "socket.io-request#/#"],
    );
    assert.deepEqual(message(commands[0])[2].rooms, [5]);
    assert.deepEqual(message(commands[1])[2], { rooms: ["a", 5, "5", 0, 1.5], flags: {}, except: [7] });
    assert.deepEqual(message(commands[2]), { type: 2, opts: { rooms: [5], except: [] }, rooms: [6, "x"] });
    for (const adapter of ["sharded", "streams"]) {
      const { io, commands } = keeping({ adapter });
      await io.to(5).emit("ev");
      const [, channel, text] = commands[0];
      assert.equal(channel, adapter === "sharded" ? "socket.io#/#" : "socket.io");
      assert.match(adapter === "sharded" ? text : commands[0].at(-1), /"rooms":\[5\]/);
    }
  });

  test("namespaces", async () => {
    const { io, commands, client } = keeping();
    const admin = io.of("admin");
    assert.ok(admin instanceof Emitter && admin.nsp === "/admin" && admin.redisClient === client);
    await admin.emit("ev");
    await io.to("r").of("/n").emit("ev");
    await new Emitter(client, undefined, "/third").emit("ev");
    assert.deepEqual(
      commands.map(([, channel]) => channel),
      ["socket.io#/admin#", "socket.io#/n#r#", "socket.io#/third#"],
    );
  });

  test("flags", async () => {
    const { io, commands } = keeping();
    await io.compress(true).volatile.emit("ev");
    assert.deepEqual(message(commands[0])[2].flags, { volatile: true, compress: true });
    assert.ok(io.volatile instanceof BroadcastOperator);
  });
});

suite("refusals", () => {
  const calls = {
    "empty-event": [(io) => io.emit(""), (io) => io.emit(), (io) => io.emit(null), (io) => io.serverSideEmit()],
    "reserved-event": [(io) => io.emit("connect"), (io) => io.serverSideEmit("error")],
    "empty-room": [
      (io) => io.to().emit("ev"),
      (io) => io.to([]).emit("ev"),
      (io) => io.to("a", []).emit("ev"),
      (io) => io.in(undefined).emit("ev"),
      (io) => io.to(null).to("a").emit("ev"),
      (io) => io.except("").emit("ev"),
      (io) => io.socketsJoin(),
      (io) => io.socketsLeave(["a", ""]),
    ],
    "invalid-text": [
      (io) => io.emit(5),
      (io) => io.emit(Symbol("x")),
      (io) => io.emit("a\ud800"),
      (io) => io.to("\udc00").emit("ev"),
      (io) => io.to(Number.NaN).emit("ev"),
      (io) => io.to({}).emit("ev"),
      (io) => io.to(true).emit("ev"),
      (io) => io.to(5n).emit("ev"),
      (io) => io.of("/\ud800").emit("ev"),
      (io) => io.of("/\ud800").of("/fine").emit("ev"),
      (io) => io.of(undefined).emit("ev"),
    ],
    targeted: [
      (io) => io.to("a").serverSideEmit("ev"),
      (io) => io.except("a").serverCount(),
      (io) => io.volatile.to("a").serverCount(),
    ],
  };
  for (const [reason, list] of Object.entries(calls)) {
    test(reason, async () => {
      for (const call of list) {
        const { io, commands } = keeping();
        await assert.rejects(call(io), refusal(reason), call.toString());
        await assert.rejects(
          io.pipeline(call),
          (error) => error instanceof SioemitError && (error.reason === reason || /serverCount/.test(call)),
          call.toString(),
        );
        assert.deepEqual(commands, [], call.toString());
      }
    });
  }

  test("the first thing that was wrong with a target counts", async () => {
    const { io } = keeping();
    await assert.rejects(io.to("").of("\ud800").emit("connect"), refusal("empty-room"));
  });

  test("servers before Socket.IO 4", async () => {
    const id = "abcdefghijklmnopqrst";
    for (const serverVersion of [1, 2, 3]) {
      const { io, commands } = keeping({ serverVersion });
      for (const rooms of [["room"], [id, "room"], [5], [`${id}x`], ["/a#room"], [`a#${id}`]]) {
        await assert.rejects(io.except(...rooms).emit("ev"), refusal("except-room"), String(rooms));
      }
      await assert.rejects(io.socketsJoin("a"), refusal("needs-version-4"));
      await assert.rejects(io.serverSideEmit("a"), refusal("needs-version-4"));
      assert.deepEqual(commands, []);
      await io.except(...[id, `/admin#${id}`].slice(0, serverVersion < 3 ? 2 : 1)).emit("ev");
      assert.equal(commands.length, 1);
    }
  });

  test("only Socket.IO 1 and 2 put the namespace before an id", async () => {
    const { io } = keeping({ serverVersion: 3 });
    await assert.rejects(io.except("/admin#abcdefghijklmnopqrst").emit("ev"), refusal("except-room"));
  });

  test("servers with ids of their own", async () => {
    const { io, commands } = keeping({ serverVersion: 2, socketIds: /^(user|admin)-\d+$/gm });
    for (const room of ["users-7", "user-7x", "x\nuser-7", "user-7\nx", "abcdefghijklmnopqrst"]) {
      await assert.rejects(io.except(room).emit("ev"), refusal("except-room"), room);
    }
    await io.except("user-7").except("user-7", "/n#admin-1").emit("ev");
    assert.equal(commands.length, 1);
  });

  test("options", () => {
    const { client } = keeping();
    const options = {
      "server-version": [{ serverVersion: 0 }, { serverVersion: 5 }, { serverVersion: "4" }],
      "invalid-text": [{ key: "\ud800" }, { adapter: "streams", streamName: "\ud800" }],
      "adapter-option": [
        { adapter: "redis" },
        { adapter: "sharded", key: "x" },
        { adapter: "sharded", serverVersion: 3 },
        { adapter: "sharded", subscriptionMode: "private" },
        { adapter: "streams", codec: "json" },
        { channelPrefix: "x" },
        { codec: "JSON" },
        { parser: { encode() {} } },
        { adaptor: "sharded" },
        { key: 5 },
        { key: null },
        { serverVersion: null },
        { adapter: "streams", streamCount: 0 },
        { adapter: "streams", streamCount: 1.5 },
        { adapter: "streams", maxLen: -1 },
        { adapter: "streams", maxLen: "5" },
        { adapter: "streams", useShardedPubSub: "yes" },
        { maxAttachments: 0 },
        { maxAttachments: Number.NaN },
        { socketIds: "x" },
        { onError: "x" },
      ],
    };
    for (const [reason, list] of Object.entries(options)) {
      for (const option of list) {
        assert.throws(() => new Emitter(client, option), refusal(reason), JSON.stringify(option));
      }
    }
    new Emitter(client, { adapter: "sharded", serverVersion: 4, key: undefined, subscriptionMode: "static" });
    new Emitter(client, { adapter: "streams", streamCount: 3, maxLen: 5, useShardedPubSub: true });
    new Emitter(client, { key: "", maxAttachments: 1 });
  });

  test("what is no client", () => {
    for (const client of [undefined, null, "redis://localhost", {}, { publish() {} }, new Map()]) {
      assert.throws(() => new Emitter(client), refusal("client", /node-redis or ioredis/));
    }
  });
});

suite("pipelines", () => {
  test("nothing is sent before the function has returned", async () => {
    const { io, commands } = keeping();
    const sent = io.of("/n").pipeline(async (io) => {
      await io.emit("a"); // does not wait for what comes later
      await turn();
      await io.to("r").emit("b");
      assert.deepEqual(commands, []);
    });
    await sent;
    assert.deepEqual(
      commands.map(([, channel]) => channel),
      ["socket.io#/n#", "socket.io#/n#r#"],
    );
  });

  test("the error of the function", async () => {
    const { io, commands } = keeping();
    const mine = new Error("mine");
    await assert.rejects(
      io.pipeline((io) => {
        io.emit("a");
        throw mine;
      }),
      mine,
    );
    assert.deepEqual(commands, []);
  });

  test("a refusal that the function caught", async () => {
    const { io, commands } = keeping();
    await assert.rejects(
      io.pipeline(async (io) => {
        await io.emit("a");
        await io.emit("connect").catch(() => {});
      }),
      refusal("reserved-event"),
    );
    assert.deepEqual(commands, []);
  });

  test("an emitter behind the end", async () => {
    const { io, commands } = keeping();
    let late;
    await io.pipeline((io) => {
      late = io.to("a");
    });
    await assert.rejects(late.emit("ev"), refusal("pipeline-ended"));
    assert.deepEqual(commands, []);
  });

  test("what needs an answer", async () => {
    const { io } = keeping();
    await assert.rejects(
      io.pipeline((io) => io.serverCount()),
      refusal("pipelined"),
    );
  });

  test("a pipeline within another", async () => {
    const { io, commands } = keeping();
    await io.pipeline(async (io) => {
      io.emit("a");
      await io.pipeline((io) => {
        io.emit("b");
        io.emit("c");
      });
      io.emit("d");
      await assert.rejects(
        io.pipeline((io) => {
          io.emit("lost");
          throw new Error("mine");
        }),
      );
    });
    assert.deepEqual(
      commands.map((command) => message(command)[1].data),
      [["a"], ["b"], ["c"], ["d"]],
    );
  });

  test("a pipeline within another that nobody awaits", async () => {
    const { io, commands } = keeping();
    await io.pipeline((io) => {
      io.emit("a");
      io.pipeline((io) => {
        io.emit("b");
      });
      io.emit("c");
      io.pipeline(async (io) => {
        await turn();
        io.emit("d");
      });
    });
    assert.deepEqual(
      commands.map((command) => message(command)[1].data),
      [["a"], ["b"], ["c"], ["d"]],
    );
    const mine = new Error("mine");
    for (const [fill, wanted] of [
      [(io) => io.emit("connect"), refusal("reserved-event")],
      [
        async (io) => {
          await turn();
          io.emit("connect");
        },
        refusal("reserved-event"),
      ],
      [
        () => {
          throw mine;
        },
        mine,
      ],
    ]) {
      const { io, commands } = keeping();
      await assert.rejects(
        io.pipeline((io) => {
          io.emit("lost");
          io.pipeline(fill);
        }),
        wanted,
      );
      assert.deepEqual(commands, []);
    }
  });

  test("a pipeline in one that has ended", async () => {
    const { io } = keeping();
    let late;
    await io.pipeline((io) => {
      late = io;
    });
    await assert.rejects(
      late.pipeline(() => {}),
      refusal("pipeline-ended"),
    );
  });
});

suite("a promise that nobody takes", () => {
  const failing = () => {
    const errors = [];
    const io = new Emitter(
      { sendCommand: () => Promise.reject(new Error("down")), multi() {} },
      { onError: (e) => errors.push(e) },
    );
    return { io, errors };
  };
  const settle = async () => {
    for (let i = 0; i < 5; i++) {
      await turn();
    }
  };

  test("its error goes to onError, refusals too", async () => {
    const { io, errors } = failing();
    io.emit("ev");
    io.to("").emit("ev");
    io.serverCount();
    await settle();
    assert.deepEqual(errors.map((error) => [error instanceof SioemitError, error.reason]).sort(), [
      [true, "empty-room"],
      [true, "redis"],
      [true, "redis"],
    ]);
  });

  test("whoever takes it gets the error, and onError does not", async () => {
    const { io, errors } = failing();
    const later = io.emit("ev");
    await assert.rejects(io.emit("ev"), refusal("redis"));
    await io.emit("ev").catch(() => {});
    await io.emit("ev").then(undefined, () => {});
    await assert.rejects(
      io.emit("ev").finally(() => {}),
      refusal("redis"),
    );
    await assert.rejects(Promise.all([io.emit("ev"), io.emit("ev")]), refusal("redis"));
    await assert.rejects((async () => io.emit("ev"))(), refusal("redis"));
    await assert.rejects(later, refusal("redis"));
    await settle();
    assert.deepEqual(errors, []);
  });

  const run = (code) =>
    promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], {
      cwd: new URL(".", import.meta.url),
    });
  const prelude = `
    import { Emitter } from "sioemit";
    const io = new Emitter({ sendCommand: () => Promise.reject(new Error("down")), multi() {} });
  `;

  test("it does not end the process, and is not silent", async () => {
    const { stdout, stderr } = await run(`${prelude}
      for (let i = 0; i < 100; i++) io.emit("ev");
      io.emit("connect");
      setTimeout(() => console.log("alive"), 50);
    `);
    assert.equal(stdout, "alive\n");
    assert.equal(stderr.match(/SioemitWarning/g)?.length, 2, stderr); // one a reason
    assert.match(stderr, /PUBLISH: down/);
    assert.match(stderr, /"connect" is reserved/);
  });

  test("a call behind the end of its pipeline does not, either", async () => {
    const { stdout, stderr } = await run(`${prelude}
      io.pipeline((io) => { setTimeout(() => io.emit("late"), 10); });
      setTimeout(() => console.log("alive"), 100);
    `);
    assert.equal(stdout, "alive\n");
    assert.match(stderr, /pipeline-ended/);
  });

  test("one that was taken, and whose error was not, ends it as usual", async () => {
    await assert.rejects(
      run(`${prelude} io.emit("ev").then(() => {});`),
      ({ code, stderr }) => code === 1 && /down/.test(stderr),
    );
  });

  test("so does an error of the function of a pipeline", async () => {
    await assert.rejects(
      run(`${prelude} io.pipeline(() => { throw new Error("mine"); });`),
      ({ code, stderr }) => code === 1 && /mine/.test(stderr),
    );
  });
});

test("the CommonJS form is the same", async () => {
  const cjs = createRequire(import.meta.url)("sioemit");
  const names = ["BroadcastOperator", "Emitter", "IncompleteError", "SioemitError", "UnconfirmedError"];
  assert.deepEqual(Object.keys(cjs).sort(), names);
  assert.notEqual(cjs.Emitter, Emitter);
  const { client, commands } = keeping();
  await new cjs.Emitter(client).to("r").emit("ev", 1);
  assert.deepEqual(message(commands[0])[1].data, ["ev", 1]);
});
