// The Redis clients of the variants.
import { Cluster, Redis } from "ioredis";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";

const none = () => {}; // an error event that nobody listens to would end the process

/** Each returns a connected client by its URL, for a cluster or not, and how to close it. */
export const clients = {
  "node-redis-5": (url, cluster) => nodeRedis(redis5, url, cluster),
  "node-redis-6": (url, cluster) => nodeRedis(redis6, url, cluster),
  "ioredis-5": ioredis,
};

async function nodeRedis(library, url, cluster) {
  const { username, password } = new URL(url);
  const client = cluster
    ? library.createCluster({ rootNodes: [{ url }], defaults: { username, password } })
    : library.createClient({ url });
  client.on("error", none);
  await client.connect();
  return { client, close: () => client.close() };
}

async function ioredis(url, cluster) {
  const { hostname, port, username, password } = new URL(url);
  const client = cluster
    ? new Cluster([{ host: hostname, port: Number(port) }], {
        redisOptions: { username, password },
        clusterRetryStrategy: (times) => (times < 50 ? 100 : null), // by default it never gives up
      })
    : new Redis(url);
  client.on("error", none);
  // Not quit, which waits for ever where the connection never comes about.
  return { client, close: async () => client.disconnect() };
}
