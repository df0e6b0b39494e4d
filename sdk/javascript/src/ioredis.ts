import type { Buffer } from "node:buffer";
import type { Command } from "./adapter.js";
import {
  askedOnce,
  type Connection,
  type Outcome,
  outcomeOf,
  type Pipeline,
  type RedisNode,
  type ReplyConnection,
  type ReplyEvents,
  replyName,
} from "./connection.js";
import { SioemitError } from "./errors.js";
import { type Address, type AddressMap, reachedAt, ShardConnection } from "./shard-connection.js";
import { slotOf } from "./slot.js";

type Words = readonly (string | Uint8Array)[];

/** What of a command of ioredis is used. */
interface ClientCommand {
  keys?: unknown[];
  /** Returns what is written of it. */
  toWritable(stream: unknown): string | Uint8Array;
  reject(error: unknown): void;
}

/** What of ioredis is used. */
interface Client {
  readonly options: { keyPrefix?: string; enableAutoPipelining?: boolean; host?: string; port?: number };
  readonly isCluster?: boolean;
  readonly status: string;
  call(name: string, ...words: Words): Promise<unknown>;
  sendCommand(command: ClientCommand, stream?: unknown, node?: unknown): unknown;
  pipeline(): ClientPipeline;
  duplicate(override: object): ReplyClient;
}

/** A client that only subscribes. */
interface ReplyClient extends Client {
  on(event: "error" | "end", listener: (error: unknown) => void): unknown;
  on(event: "messageBuffer" | "smessageBuffer", listener: (channel: Buffer, message: Buffer) => void): unknown;
  once(event: "moved", listener: () => void): unknown;
  subscribe(...channels: readonly string[]): Promise<unknown>;
  ssubscribe(...channels: readonly string[]): Promise<unknown>;
  disconnect(): void;
}

interface ClientPipeline {
  options: object;
  call(name: string, ...words: Words): unknown;
  publish(channel: string, message: string | Uint8Array): unknown;
  exec(): Promise<[error: unknown, reply?: unknown][]>;
}

interface Cluster extends Client {
  readonly options: Client["options"] & { natMap?: AddressMap };
  nodes(role: "all" | "master"): Client[];
  refreshSlotsCache(done: () => void): void;
  /** The addresses of the nodes of each slot, the master first. */
  readonly slots: string[][];
}

export function isIORedis(client: unknown): client is Client | Cluster {
  const { call, pipeline, sendCommand } = Object(client) as Partial<Client>;
  return typeof call === "function" && typeof pipeline === "function" && typeof sendCommand === "function";
}

export function newIORedis(client: Client | Cluster): Connection {
  if (typeof Object.getPrototypeOf(client)?.call !== "function") {
    throw new SioemitError(
      "client",
      "this wrapper hides the class of its ioredis client: give an Emitter the client itself",
    );
  }
  return client.isCluster && "nodes" in client ? new ClusterConnection(client) : new ClientConnection(client);
}

/**
 * Sends a command without the client's keyPrefix, which would rename streams and shard channels: servers know nothing of
 * it. `call` makes a command by the options of what it is called on, and has it sent.
 */
function callWithoutPrefix(
  client: Client,
  command: Command,
  onCommand?: (made: ClientCommand) => void,
): Promise<unknown> {
  const [name, ...words] = command;
  const commander = {
    options: { ...client.options, keyPrefix: "", enableAutoPipelining: false },
    sendCommand(made: ClientCommand, stream?: unknown, node?: unknown): unknown {
      onCommand?.(made);
      return client.sendCommand(made, stream, node);
    },
  };
  // Not its own, which a wrapper may have bound to another client.
  return Object.getPrototypeOf(client).call.call(commander, name, ...words);
}

/**
 * Sends a question. When a connection breaks, ioredis sends again what Redis has not answered, and a Cluster does so
 * after some errors; in place of a question that was written it then writes a PING, whose answer tells. Only one that Redis
 * has refused may be written again.
 */
function askOnce(client: Client, command: Command, signal: AbortSignal): Promise<void> {
  let written = false;
  let again = false;
  const answer = callWithoutPrefix(client, command, (made) => {
    made.keys = [command[1]];
    const { toWritable } = made;
    made.toWritable = (stream) => {
      if (written || signal.aborted) {
        again = true;
        return "*1\r\n$4\r\nPING\r\n";
      }
      written = true;
      return toWritable.call(made, stream);
    };
    queueMicrotask(() => {
      const { reject } = made; // that of a Cluster, which may send the command again
      made.reject = (error) => {
        written &&= !isReply(error);
        reject.call(made, error);
      };
    });
  });
  const checked = answer.then(() => {
    if (again) {
      throw new Error("the connection broke");
    }
  });
  return askedOnce(checked, signal, () => !written);
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

/** A connection for replies: a duplicate of a client, at its Redis or at another one. */
class DuplicateConnection implements ReplyConnection {
  readonly #client: ReplyClient;

  constructor(original: Client, { message, ended }: ReplyEvents, at?: Address) {
    this.#client = original.duplicate({
      ...at,
      retryStrategy: null,
      reconnectOnError: null,
      maxRetriesPerRequest: null,
      enableOfflineQueue: true,
      enableAutoPipelining: false,
      keyPrefix: "",
      readOnly: false,
      lazyConnect: true,
      // Its INFO, behind a subscription that was faster, would be refused.
      enableReadyCheck: false,
      // A timeout would cut off a reply that takes its time.
      commandTimeout: undefined,
      socketTimeout: undefined,
      connectionName: replyName,
    });
    this.#client.on("messageBuffer", (_, reply) => message(reply));
    this.#client.on("smessageBuffer", (_, reply) => message(reply));
    this.#client.on("error", ended);
    this.#client.on("end", () => ended(new Error("it was closed")));
  }

  subscribe(channels: readonly string[], shard: boolean): Promise<unknown> {
    if (!shard) {
      return this.#client.subscribe(...channels);
    }
    return new Promise((resolve, reject) => {
      // So it says that Redis has answered with MOVED; it keeps the address for itself, and settles nothing.
      this.#client.once("moved", () => this.#moved(channels[0] as string).catch(reject));
      this.#client.ssubscribe(...channels).then(resolve, reject);
    });
  }

  /** Fails with what Redis has answered. */
  async #moved(channel: string): Promise<never> {
    const slot = slotOf(channel);
    const ranges = (await this.#client.call("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
    const [host, port] = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2] ?? [];
    throw new Error(host === undefined ? `no node has the slot ${slot}` : `MOVED ${slot} ${host}:${port}`);
  }

  async ping(): Promise<void> {
    const answer = await this.#client.call("PING").catch((error) => {
      if (!isReply(error)) {
        throw error;
      }
    });
    if (typeof answer === "number") {
      throw new Error("Redis ended a subscription"); // and ioredis took that for the answer
    }
  }

  close(): void {
    this.#client.disconnect();
  }
}

class ClientConnection implements Connection {
  readonly isCluster = false;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  send(command: Command): Promise<unknown> {
    if (this.#client.options.keyPrefix) {
      return callWithoutPrefix(this.#client, command);
    }
    return this.#client.call(...command);
  }

  pipeline(): Pipeline {
    const pipeline = this.#client.pipeline();
    pipeline.options = { ...pipeline.options, keyPrefix: "" };
    return {
      add: (command) => {
        const [name, channel, message] = command;
        if (name === "PUBLISH") {
          pipeline.publish(channel, message as string); // faster than call
        } else {
          pipeline.call(...command);
        }
      },
      exec: () => outcomeIn(pipeline),
    };
  }

  ask(command: Command, signal: AbortSignal): Promise<void> {
    return askOnce(this.#client, command, signal);
  }

  openReplies(_: string | undefined, events: ReplyEvents): ReplyConnection {
    return new DuplicateConnection(this.#client, events);
  }

  async nodes(): Promise<RedisNode[]> {
    return [nodeOf(this.#client)];
  }
}

function nodeOf(client: Client): RedisNode {
  return {
    call: (words) => client.call(...(words as [string])),
    ask: (command, signal) => askOnce(client, command, signal),
  };
}

async function outcomeIn(pipeline: ClientPipeline): Promise<Outcome> {
  const results = await pipeline.exec();
  const failed = results.filter(([error]) => error);
  return {
    answerTo: (i) => results[i]?.[1],
    failed: failed.length,
    first: failed[0] && { error: failed[0][0] },
  };
}

/**
 * On a Redis Cluster, any node takes a PUBLISH, and ioredis sends each to a random one, from where two events for one
 * client can overtake each other. So all of a channel go to the node that its slot names: the channel is noted as the
 * command's key.
 */
class ClusterConnection implements Connection {
  readonly isCluster = true;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  send(command: Command): Promise<unknown> {
    return callWithoutPrefix(this.#cluster, command, (made) => {
      made.keys = [command[1]];
    });
  }

  /** Its own pipeline takes keys of one node only. */
  pipeline(): Pipeline {
    const commands: Command[] = [];
    return {
      add: (command) => commands.push(command),
      exec: () => outcomeOf(commands.map((command) => this.send(command))),
    };
  }

  ask(command: Command, signal: AbortSignal): Promise<void> {
    return askOnce(this.#cluster, command, signal);
  }

  openReplies(shardChannel: string | undefined, events: ReplyEvents): ReplyConnection {
    if (shardChannel === undefined) {
      return this.#open(events, undefined);
    }
    return new ShardConnection((to, address) => {
      if (address !== undefined) {
        this.#cluster.refreshSlotsCache(() => {}); // for the next call
      }
      return this.#open(to, address ?? this.#cluster.slots[slotOf(shardChannel)]?.[0]);
    }, events);
  }

  /** Opens a connection at the node with an address, or at any one. */
  #open(events: ReplyEvents, address: string | undefined): ReplyConnection {
    const masters = this.#cluster.nodes("master");
    const known = masters.find(({ options }) => `${options.host}:${options.port}` === address);
    const node = known ?? masters[Math.floor(Math.random() * masters.length)];
    if (node === undefined) {
      throw new Error("no node of the Redis Cluster is known");
    }
    const isElsewhere = known === undefined && address !== undefined;
    return new DuplicateConnection(
      node,
      events,
      isElsewhere ? reachedAt(address, this.#cluster.options.natMap) : undefined,
    );
  }

  async nodes(): Promise<RedisNode[]> {
    if (this.#cluster.status !== "ready") {
      await this.#cluster.call("PING"); // waits until the nodes are known
    }
    return this.#cluster.nodes("all").map(nodeOf);
  }
}
