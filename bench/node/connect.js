// Connects the two Redis clients that the official emitter is used with.
const url = process.env.SIOEMIT_REDIS_URL;

// node-redis collects the commands of one tick by itself.
exports["node-redis"] = async () => {
  const client = require("redis").createClient({ url });
  await client.connect();
  return client;
};

exports["ioredis"] = async () => connectIoredis({});

exports["ioredis-auto"] = async () => connectIoredis({ enableAutoPipelining: true });

async function connectIoredis(options) {
  const { Redis } = require("ioredis");
  const client = new Redis(url, { ...options, lazyConnect: true });
  await client.connect();
  return client;
}
