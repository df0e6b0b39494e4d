// One measurement: prints the CPU time of this process (user and system) for one piece of work, in nanoseconds.
//
//	node bench/work.mjs encode WORK
//	node bench/work.mjs CLIENT WORK REDIS-URL
import { Emitter as Official } from "@socket.io/redis-emitter";
import { Emitter } from "sioemit";
import { clients } from "../conformance/clients.mjs";
import { Classic } from "../dist/esm/classic.js";
import { everyone, Target } from "../dist/esm/target.js";

const [variant, work, url] = process.argv.slice(2);
const payload = {
  id: 12345,
  title: "Order shipped",
  price: 19.99,
  tags: ["a", "b", "c"],
  user: { id: "u_123", name: "Ada" },
};
const channel = "socket.io#/#room1#";
const pieces = 1000; // of work in a batch

const adapter = new Classic({ key: "socket.io", json: false, serverVersion: 4, maxAttachments: 10 });
const { frame } = everyone("/");
const kept = new Target(frame, ["room1"]);
const encode = (target) => adapter.broadcast(target, "order", [payload])[2];

if (variant === "encode") {
  let sink = 0; // so that nothing is optimized away
  const encoders = {
    json: () => JSON.stringify(payload),
    kept: () => encode(kept),
    fresh: () => encode(new Target(frame, ["room1"])),
  };
  const one = encoders[work];
  await measure(() => {
    for (let i = 0; i < pieces; i++) {
      sink += one().length;
    }
  }, 20);
  process.exitCode = sink === 0 ? 1 : 0;
} else {
  const { client, close } = await clients[variant](url, false);
  await measure(publishers(client)[work], 1);
  await close();
}

function publishers(client) {
  const io = new Emitter(client);
  const official = new Official(client);
  const message = Buffer.from(encode(kept));
  return {
    bare: () => {
      const pipeline = client.pipeline?.() ?? client.multi();
      for (let i = 0; i < pieces; i++) {
        pipeline.publish(channel, message);
      }
      return client.pipeline ? pipeline.exec() : pipeline.execAsPipeline();
    },
    kept: () =>
      io.pipeline((io) => {
        const room = io.to("room1");
        for (let i = 0; i < pieces; i++) {
          room.emit("order", payload);
        }
      }),
    fresh: () =>
      io.pipeline((io) => {
        for (let i = 0; i < pieces; i++) {
          io.to("room1").emit("order", payload);
        }
      }),
    single: () => {
      const sent = [];
      for (let i = 0; i < pieces; i++) {
        sent.push(io.to("room1").emit("order", payload));
      }
      return Promise.all(sent);
    },
    official: () => {
      for (let i = 1; i < pieces; i++) {
        official.to("room1").emit("order", payload);
      }
      // It returns no promise: the answer to one more shows that Redis has taken them all.
      return client.publish(channel, message);
    },
  };
}

/** Does batches until it takes their time steadily, and prints the median for one piece. */
async function measure(batch, times) {
  const taken = [];
  const [warmUp, rounds] = process.env.BENCH_QUICK ? [1, 1] : [30, 50];
  for (let round = -warmUp; round < rounds; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < times; i++) {
      await batch();
    }
    const { user, system } = process.cpuUsage(start);
    if (round >= 0) {
      taken.push((1000 * (user + system)) / (times * pieces));
    }
  }
  taken.sort((a, b) => a - b);
  console.log(taken[taken.length >> 1].toFixed(0));
}
