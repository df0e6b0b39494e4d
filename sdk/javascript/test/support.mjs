// What the tests have in common.
import { createRequire } from "node:module";
import { Emitter } from "sioemit";

const require = createRequire(import.meta.url);
/** Reads MessagePack as the servers do. */
export const { decode } = createRequire(require.resolve("@socket.io/redis-emitter"))("notepack.io");

/** An emitter through a client that only keeps what it is given; and what that was. */
export function keeping(options) {
  const commands = [];
  const client = {
    sendCommand: async (words) => commands.push(words),
    multi: () => {
      const queue = [];
      return { addCommand: (words) => queue.push(words), execAsPipeline: async () => commands.push(...queue) };
    },
  };
  return { io: new Emitter(client, options), commands, client };
}

/** Returns what a client of Socket.IO gets of an argument. */
export async function arrives(value, options) {
  const { io, commands } = keeping(options);
  await io.emit("ev", value);
  const message = commands[0].at(-1);
  return typeof message === "string" ? JSON.parse(message)[1].data[1] : decode(message)[1].data[1];
}

/** Checks that a call is refused for a reason, with nothing sent. */
export function refusal(reason, text = /./) {
  return (error) =>
    /^(?:Sioemit|Incomplete)Error$/.test(error.name) && error.reason === reason && text.test(error.message);
}

const none = () => {}; // an error event that nobody listens to would end the process

/** A client of node-redis, connected, and how to close it. */
export async function opened(client) {
  client.on("error", none);
  await client.connect();
  return { client, close: async () => client.destroy() };
}

/** The same for a client of ioredis. */
export function ioredisOf(client) {
  client.on("error", none);
  return { client, close: async () => client.disconnect() };
}

/** A socket, as servers tell of it. */
export const socketOf = (id) => ({ id, rooms: [id], data: {}, handshake: {} });
