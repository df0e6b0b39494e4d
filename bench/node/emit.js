// node emit.js MODE KEY: does the work that it is asked for, line by line:
// {"n":5000,"batch":1000} is answered with the nanoseconds that 5000 took, and
// with the encoded message where nothing is sent.
const { createInterface } = require("readline");
const notepack = require("notepack.io");
const { Emitter } = require("@socket.io/redis-emitter");
const connect = require("./connect");
const { order } = require("./order");

const [mode, key] = process.argv.slice(2);

function encode() {
  let message;
  return ({ n }) => {
    for (let i = 0; i < n; i++) {
      message = notepack.encode([
        "emitter",
        { type: 2, data: ["order", order], nsp: "/" },
        { rooms: ["room1"], flags: {}, except: [] },
      ]);
    }
    return { message: message.toString("base64") };
  };
}

// The publishes of a batch are awaited together, which is as fast as this emitter gets.
async function emit() {
  const client = await connect[mode]();
  let pending = [];
  const publish = (channel, message) => pending.push(client.publish(channel, message));
  const room = new Emitter({ publish }, { key }).to("room1");
  return async ({ n, batch }) => {
    for (let left = n; left > 0; left -= batch) {
      pending = [];
      for (let i = Math.min(left, batch); i > 0; i--) {
        room.emit("order", order);
      }
      await Promise.all(pending);
    }
    return {};
  };
}

async function main() {
  const work = mode === "encode" ? encode() : await emit();
  for await (const line of createInterface({ input: process.stdin })) {
    const task = JSON.parse(line);
    const started = process.hrtime.bigint();
    const result = await work(task);
    const ns = Number(process.hrtime.bigint() - started);
    console.log(JSON.stringify({ ns, ...result }));
  }
  process.exit(0);
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
