// node once.js KEY ORDER: the script that somebody would write to send one event.
const { createClient } = require("redis");
const { Emitter } = require("@socket.io/redis-emitter");

async function main() {
  const [key, order] = process.argv.slice(2);
  const client = createClient({ url: process.env.SIOEMIT_REDIS_URL });
  await client.connect();
  new Emitter(client, { key }).to("room1").emit("order", JSON.parse(order));
  await client.close(); // waits for the answer
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
