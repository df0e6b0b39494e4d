// Stands between a client and Redis, and cuts, delays or watches what goes through.
import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * Starts a proxy in front of a port. Its hooks get what a connection carries, with the function that passes on and the
 * one that cuts the connection: toRedis from the client, toClient from Redis. Without a hook everything is passed on.
 */
export async function startProxy(port, hooks = {}) {
  const sockets = new Set();
  const proxy = { hooks, opened: 0, sockets };
  const server = createServer((client) => {
    const redis = connect(port, "127.0.0.1");
    const state = {};
    proxy.opened++;
    const cut = () => {
      client.destroy();
      redis.destroy();
    };
    for (const [from, to, hook] of [
      [client, redis, "toRedis"],
      [redis, client, "toClient"],
    ]) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("data", (bytes) => {
        const pass = (part = bytes) => to.write(part);
        if (proxy.hooks[hook]) {
          proxy.hooks[hook]({ bytes, pass, cut, state });
        } else {
          pass();
        }
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(proxy, {
    port: server.address().port,
    url: `redis://127.0.0.1:${server.address().port}`,
    close: async () => {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  });
}
