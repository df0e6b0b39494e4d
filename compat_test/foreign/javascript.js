"use strict";
// The official emitter, behind the lines of a driver (docs/conformance.md).

const path = require("path");
const readline = require("readline");
const modules = path.join(__dirname, "..", "node", "node_modules");
const { Emitter } = require(path.join(modules, "redis-emitter-5"));
const { createClient, createCluster } = require(path.join(modules, "redis"));

const variants = ["@socket.io/redis-emitter-5.1.0"];

function value(v) {
  if (Array.isArray(v)) {
    return v.map(value);
  }
  if (v && typeof v === "object") {
    const keys = Object.keys(v);
    if (keys.length === 1 && keys[0] === "$binary") {
      return Buffer.from(v.$binary, "base64");
    }
    return Object.fromEntries(Object.entries(v).map(([key, item]) => [key, value(item)]));
  }
  return v;
}

// It returns no promise, so that what Redis says is seen on the client only.
function emit(io, step, published) {
  let target = io;
  for (const [name, ...words] of step.chain || []) {
    if (name === "volatile") {
      target = target.volatile;
    } else if (name === "to" || name === "in" || name === "except") {
      target = target[name](words);
    } else {
      target = target[name](...words);
    }
  }
  const [name, event, ...args] = step.call;
  if (name !== "emit") {
    return `no call ${name}`;
  }
  target.emit(event, ...args.map(value));
  return published();
}

async function main() {
  const clients = new Map();
  console.log(
    JSON.stringify({
      language: "javascript",
      variant: variants[0],
      version: "5.1.0",
      features: ["classic", "pipeline", "cluster"],
    })
  );
  for await (const text of readline.createInterface({ input: process.stdin })) {
    const line = JSON.parse(text);
    const answer = { id: line.id };
    try {
      if (!clients.has(line.redis)) {
        const client = line.cluster ? createCluster({ rootNodes: [{ url: line.redis }] }) : createClient({ url: line.redis });
        clients.set(line.redis, await client.connect());
      }
      const client = clients.get(line.redis);
      const sent = [];
      const io = new Emitter({ publish: (channel, message) => sent.push(client.publish(channel, message)) }, { key: line.options?.key });
      for (const step of line.pipeline || [line]) {
        const skip = emit(io, step, () => undefined);
        if (skip) {
          answer.skip = skip;
        }
      }
      await Promise.all(sent);
      answer.ok = !answer.skip;
    } catch (err) {
      answer.error = "unknown";
      answer.message = String(err);
    }
    console.log(JSON.stringify(answer));
  }
  for (const client of clients.values()) {
    client.destroy();
  }
}

if (process.argv[2] === "--list") {
  console.log(variants.join("\n"));
} else {
  main();
}
