// The driver through which the conformance suite calls this package: it reads a call a line and answers each with a line.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Emitter, IncompleteError, SioemitError } from "sioemit";
import { clients } from "./clients.mjs";
import { Skip, tagged, value } from "./values.mjs";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const [variant] = process.argv.slice(2);
if (variant === "--list") {
  console.log(Object.keys(clients).join("\n"));
} else if (variant in clients) {
  await drive(variant);
} else {
  console.error("usage: run --list, or run VARIANT");
  process.exitCode = 2;
}

async function drive(variant) {
  const features = ["classic", "sharded", "streams", "python", "cluster", "pipeline", "server-count", "numbers"];
  features.push("replies", "together", "confirm");
  await answer({ language: "javascript", variant, version, features });
  const connections = new Map(); // by URL
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    const ask = JSON.parse(line);
    await answer({ id: ask.id, ...(await outcome(ask, connections)) });
  }
  for (const { close } of connections.values()) {
    await close().catch(() => {});
  }
}

async function answer(object) {
  if (!process.stdout.write(`${JSON.stringify(object)}\n`)) {
    await once(process.stdout, "drain");
  }
}

async function outcome(ask, connections) {
  try {
    const key = `${ask.redis} ${ask.cluster}`;
    if (!connections.has(key)) {
      connections.set(key, await clients[variant](ask.redis, ask.cluster));
    }
    const io = new Emitter(connections.get(key).client, options(ask.options));
    if (ask.together) {
      return { ok: true, result: await Promise.all(ask.together.map((step) => answered(() => call(io, step), step))) };
    }
    if (ask.sequence) {
      const result = [];
      for (const step of ask.sequence) {
        result.push(await answered(() => made(io, step), step));
      }
      return { ok: true, result };
    }
    return await answered(() => made(io, ask), ask);
  } catch (error) {
    return failed(error);
  }
}

function made(io, ask) {
  return ask.pipeline ? pipeline(io, ask) : call(io, ask);
}

/** Returns what comes of a call, in the form of the suite. */
async function answered(make, { call: [name] = [] }) {
  try {
    const result = await make();
    return result === undefined ? { ok: true } : { ok: true, result: shown(name, result) };
  } catch (error) {
    return failed(error, name);
  }
}

function failed(error, name) {
  if (error instanceof Skip) {
    return { skip: error.message };
  }
  if (error instanceof IncompleteError) {
    const { message, servers, asked, clients, expected, unread, partial } = error;
    const missing = { servers, asked, clients, expected, unread };
    const result = name === "confirm" ? undefined : shown(name, partial);
    return { error: "incomplete", message, result, missing };
  }
  if (error instanceof SioemitError) {
    return { error: error.reason, message: error.message };
  }
  return { error: "driver", message: String(error?.stack ?? error) };
}

/** Rooms that are numbers go beside the others, for languages in which one list cannot hold both. */
function shown(name, result) {
  if (name !== "fetchSockets") {
    return tagged(result);
  }
  return result.map(({ rooms, ...socket }) => ({
    ...tagged(socket),
    rooms: rooms.filter((room) => typeof room === "string"),
    numberRooms: rooms.filter((room) => typeof room === "number"),
  }));
}

function options({ socketIds, ...others } = {}) {
  return socketIds === undefined ? others : { ...others, socketIds: new RegExp(socketIds) };
}

async function pipeline(io, { pipeline: steps, after }) {
  let given;
  await io.pipeline(async (io) => {
    given = io;
    for (const step of steps) {
      await call(io, step);
    }
  });
  return after && call(given, after);
}

function call(io, { chain = [], call: [name, ...args] }) {
  const target = chain.reduce(
    (op, [name, ...args]) => (name === "volatile" ? op.volatile : method(op, name)(...args.map(value))),
    io,
  );
  return method(target, name)(...args.map(value));
}

function method(op, name) {
  if (typeof op[name] !== "function") {
    throw new Skip(`no method ${name}`);
  }
  return op[name].bind(op);
}
