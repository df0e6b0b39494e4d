// Starts real Redis servers for tests and measurements, on free ports of 127.0.0.1.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";

/** Waits until a condition holds, or fails. */
export async function until(what, condition, { within = 30_000 } = {}) {
  const deadline = Date.now() + within;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`not within ${within} ms: ${what}`);
    }
    await pause(20);
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Starts a Redis; its admin is a client for whatever a test needs to set or see. With the files of a certificate it listens
 * on another port for TLS.
 */
export async function startRedis({ args = [], password, config, tls } = {}) {
  for (let attempt = 1; ; attempt++) {
    try {
      if (tls === undefined) {
        return await tryRedis(args, password, config);
      }
      const tlsPort = await freePort();
      const tlsArgs = ["--tls-port", tlsPort, "--tls-cert-file", tls.certificate, "--tls-key-file", tls.key];
      tlsArgs.push("--tls-ca-cert-file", tls.certificate, "--tls-auth-clients", "no");
      return { ...(await tryRedis([...args, ...tlsArgs], password, config)), tlsPort };
    } catch (error) {
      if (attempt === 5) {
        throw error; // the port was taken, perhaps, but not five times in a row
      }
    }
  }
}

async function tryRedis(args, password, config) {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "sioemit-redis-"));
  const files = [];
  if (config !== undefined) {
    files.push(join(folder, "redis.conf"));
    await writeFile(files[0], config);
  }
  const settings = [
    ...files,
    "--port",
    port,
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--dir",
    folder,
    "--loglevel",
    "warning",
  ];
  const server = spawn("redis-server", [...settings, ...args].map(String), { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (text) => {
    output += text;
  };
  server.stdout.setEncoding("utf8").on("data", keep);
  server.stderr.setEncoding("utf8").on("data", keep);
  const ended = once(server, "exit");
  const admin = new Redis({ port, host: "127.0.0.1", password, retryStrategy: () => 50, maxRetriesPerRequest: null });
  admin.on("error", () => {}); // until it listens
  const close = async () => {
    admin.disconnect();
    server.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const first = await Promise.race([admin.ping(), ended.then(() => "ended"), pause(20_000, "late", { ref: false })]);
  if (first !== "PONG") {
    await close();
    throw new Error(`redis-server on port ${port} did not start (${first}): ${output}`);
  }
  return { port, url: `redis://127.0.0.1:${port}`, admin, close };
}

/** Starts a Redis with a replica, and a Sentinel that watches them under the name "main". */
export async function startSentinel() {
  const nodes = [await startRedis()];
  const close = async () => {
    await Promise.all(nodes.map((node) => node.close()));
  };
  try {
    const [master] = nodes;
    nodes.push(await startRedis({ args: ["--replicaof", "127.0.0.1", master.port] }));
    await until("the replica follows", async () => (await master.admin.info("replication")).includes("state=online"));
    const config = `sentinel monitor main 127.0.0.1 ${master.port} 1\n`;
    nodes.push(await startRedis({ args: ["--sentinel"], config }));
    const [, , sentinel] = nodes;
    const replicas = async () => (await sentinel.admin.call("SENTINEL", "REPLICAS", "main")).length;
    await until("the Sentinel knows the replica", async () => (await replicas()) === 1);
    return { master, sentinel, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Starts a Redis Cluster of masters, each with a part of the slots, of spare ones, which have none, and of replicas of the
 * first ones. With tls, it is announced where clients reach nobody, as behind a NAT: a node is at its tlsPort.
 */
export async function startCluster({ masters = 3, spares = 0, replicas = 0, password, tls } = {}) {
  const nodes = [];
  const close = async () => {
    await Promise.all(nodes.map((node) => node.close()));
  };
  try {
    for (let i = 0; i < masters + spares + replicas; i++) {
      const busPort = await freePort();
      const args = ["--cluster-enabled", "yes", "--cluster-port", busPort, "--cluster-node-timeout", 15_000];
      args.push("--cluster-announce-ip", "127.0.0.1"); // a node alone does not know its address
      if (spares > 0) {
        args.push("--cluster-allow-replica-migration", "no"); // or one that gives its only slot back becomes a replica
      }
      const announcedPort = await freePort();
      if (password !== undefined) {
        args.push("--requirepass", password);
      }
      if (tls !== undefined) {
        args.push("--tls-cluster", "yes", "--cluster-announce-tls-port", announcedPort);
      }
      nodes.push(Object.assign(await startRedis({ args, password, tls }), { busPort, announcedPort }));
    }
    const [first] = nodes;
    for (const [i, node] of nodes.slice(0, masters).entries()) {
      const from = Math.floor((i * 16384) / masters);
      await node.admin.call("CLUSTER", "ADDSLOTSRANGE", from, Math.floor(((i + 1) * 16384) / masters) - 1);
      await node.admin.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
    }
    for (const node of nodes.slice(1)) {
      await node.admin.call("CLUSTER", "MEET", "127.0.0.1", first.port, first.busPort);
    }
    const known = async (node) => (await node.admin.call("CLUSTER", "NODES")).trim().split("\n");
    await until("all nodes know each other", async () =>
      (await Promise.all(nodes.map(known))).every((list) => list.length === nodes.length),
    );
    for (const [i, node] of nodes.slice(masters + spares).entries()) {
      await node.admin.call("CLUSTER", "REPLICATE", await nodes[i].admin.call("CLUSTER", "MYID"));
    }
    const ready = async (node) =>
      (await node.admin.call("CLUSTER", "INFO")).includes("cluster_state:ok") &&
      (await known(node)).filter((line) => line.includes("slave")).length === replicas &&
      !(await node.admin.info("replication")).includes("master_link_status:down");
    await until("the cluster is ready", async () => (await Promise.all(nodes.map(ready))).every(Boolean));
    return { url: first.url, nodes, close };
  } catch (error) {
    await close();
    throw error;
  }
}
