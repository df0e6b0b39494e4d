"use strict";
// The Redis connections of a server, for every adapter, and the knowledge of when they are really subscribed.

const Module = require("module");
const path = require("path");

// An adapter is given the `redis` package that it was published with, where it depends on one, else the current one.
// @socket.io/redis-adapter 7.0 depends on none and knows only the kind that its predecessor depended on.
function redisPackage(adapter) {
  if (oldStreams(adapter)) {
    return redisOfOldStreams(adapter);
  }
  const owner = adapter === "redis-adapter-7.0" ? "socket.io-redis-6.1" : adapter;
  return require(require.resolve("redis", { paths: [path.dirname(require.resolve(owner))] }));
}

// Versions 0.1 and 0.2 of the streams adapter subscribe to no channel. They load `redis` by themselves, as a package that
// is installed beside them, and know version 4 of it.
function oldStreams(adapter) {
  return /^redis-streams-adapter-0\.[12]$/.test(adapter);
}

function redisOfOldStreams(adapter) {
  const folder = path.dirname(require.resolve(adapter)) + path.sep;
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (request, parent, ...rest) =>
    resolve(request === "redis" && parent && parent.filename.startsWith(folder) ? "redis-4" : request, parent, ...rest);
  return require("redis-4");
}

function openRedis(config) {
  if (config.redis.package === "ioredis") {
    return openIoredis(config);
  }
  const redis = config.redis.package ? require(config.redis.package) : redisPackage(config.adapter.package);
  if (typeof redis.createCluster !== "function") {
    return openLegacy(redis, config);
  }
  return openCurrent(redis, config);
}

// The other client that @socket.io/redis-adapter knows.
async function openIoredis(config) {
  const Redis = require("ioredis");
  const { url, sentinels, master } = config.redis;
  const connectionName = connectionNameOf();
  const pub = sentinels
    ? new Redis({
        sentinels: sentinels.map((address) => ({ host: address.split(":")[0], port: Number(address.split(":")[1]) })),
        name: master,
        maxRetriesPerRequest: null, // however long it takes until there is a master again
        connectionName,
      })
    : new Redis(url, { connectionName });
  const sub = pub.duplicate();
  pub.on("error", onError);
  sub.on("error", onError);
  const settled = () => sub.subscribe("settled");
  if (config.adapter.kind === "streams") {
    const lists = async () => [await pub.client("LIST")];
    const touch = async (stream) => pub.xdel(stream, await pub.xadd(stream, "*", "ready", "1"));
    return { pub, settled, ready: () => readersInPlace(connectionName, config.adapter.options || {}, lists, touch) };
  }
  return { pub, sub, settled, ready: settled };
}

// The name by which the connections of this server are found in CLIENT LIST.
function connectionNameOf() {
  return `sioemit-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
}

function onError(err) {
  console.error("redis:", err && err.message);
}

// node-redis 2 and 3, as used by socket.io-redis 4 to 6 and @socket.io/redis-adapter 7.0.
async function openLegacy(redis, config) {
  const options = {};
  if (config.redis.url) {
    const url = new URL(config.redis.url);
    options.host = url.hostname;
    options.port = Number(url.port || 6379);
    if (url.password) {
      options.password = decodeURIComponent(url.password);
    }
  } else if (config.redis.path) {
    options.path = config.redis.path;
  } else {
    throw new Error(config.adapter.package + " knows no Redis Cluster");
  }
  if (config.redis.password) {
    options.password = config.redis.password;
  }
  const pub = redis.createClient(options);
  const sub = redis.createClient(options);
  pub.on("error", onError);
  sub.on("error", onError);

  // Commands of one connection are carried out in order: once this one is answered, all earlier ones are in place.
  const settled = () =>
    new Promise((resolve, reject) => sub.subscribe("settled", (err) => (err ? reject(err) : resolve())));
  return { pub, sub, settled, ready: settled };
}

// node-redis 4 and later.
async function openCurrent(redis, config) {
  const name = connectionNameOf();
  const { url, path: unix, cluster, password } = config.redis;
  let client;
  if (cluster) {
    client = redis.createCluster({
      rootNodes: cluster.map((root) => ({ url: root })),
      defaults: { name, ...(password && { password }) },
      useReplicas: false,
    });
  } else if (unix) {
    client = redis.createClient({ socket: { path: unix }, name, ...(password && { password }) });
  } else {
    client = redis.createClient({ url, name, ...(password && { password }) });
  }
  client.on("error", onError);

  // Every subscription that an adapter asks for is remembered here, whichever copy of the client it uses.
  const subscriptions = [];
  const watch = (watched) => {
    for (const method of ["subscribe", "pSubscribe", "sSubscribe"]) {
      const original = watched[method];
      watched[method] = (...args) => {
        const promise = original.apply(watched, args);
        subscriptions.push(promise);
        return promise;
      };
    }
    const duplicate = watched.duplicate;
    watched.duplicate = (...args) => watch(duplicate.apply(watched, args));
    return watched;
  };

  watch(client);
  await client.connect();
  const settled = () => Promise.all(subscriptions);
  const opened = { pub: client, settled };

  if (config.adapter.kind === "streams") {
    opened.ready = async (namespaces) => {
      await until(() => subscriptions.length >= (oldStreams(config.adapter.package) ? 0 : namespaces));
      await settled();
      const lists = async () => {
        const nodes = cluster ? await Promise.all(client.masters.map((m) => client.nodeClient(m))) : [client];
        return Promise.all(nodes.map(async (node) => String(await node.sendCommand(["CLIENT", "LIST"]))));
      };
      const touch = async (stream) => client.xDel(stream, await client.xAdd(stream, "*", { ready: "1" }));
      await readersInPlace(name, config.adapter.options || {}, lists, touch);
    };
  } else {
    opened.sub = config.redis.subUrl ? watch(redis.createClient({ url: config.redis.subUrl, name })) : client.duplicate();
    opened.sub.on("error", onError);
    await opened.sub.connect();
    opened.ready = settled;
  }
  return opened;
}

async function until(condition) {
  while (!(await condition())) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

// The streams adapter reads from "$", the end of the stream: what is added before its XREAD runs, or between two
// of them, is lost. So wait until all readers are blocked in XREAD, then give each of them a first entry
// (one without a namespace, which the adapter skips): from then on it reads from a definite position.
// Lists returns what CLIENT LIST says at each node; touch adds such an entry.
async function readersInPlace(name, options, lists, touch) {
  const streamName = options.streamName || "socket.io";
  const count = options.streamCount || 1;
  const streams = count === 1 ? [streamName] : Array.from({ length: count }, (_, i) => `${streamName}-${i}`);

  const isBlocked = (line) => line.includes(` name=${name} `) && / flags=\S*b/.test(line) && / cmd=xread /.test(line);
  await until(async () => {
    const lines = (await lists()).flatMap((list) => list.split("\n"));
    return lines.filter(isBlocked).length >= count;
  });
  for (const stream of streams) {
    await touch(stream);
  }
}

module.exports = { openRedis };
