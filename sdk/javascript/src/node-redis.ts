import type { Buffer } from "node:buffer";
import type { Command } from "./adapter.js";
import {
  askedOnce,
  type Connection,
  type Outcome,
  orAborted,
  outcomeOf,
  type Pipeline,
  type RedisNode,
  type ReplyConnection,
  type ReplyEvents,
  replyName,
} from "./connection.js";
import { type Address, type AddressMap, reachedAt, ShardConnection } from "./shard-connection.js";
import { slotOf } from "./slot.js";

type Words = readonly (string | Uint8Array)[];

/**
 * What of node-redis is used. Its raw commands, because the methods named after commands add a keyPrefix, and take
 * PUBLISH and SPUBLISH for reading, which a Sentinel client does on replicas.
 */
interface Client {
  readonly options?: { socket?: object };
  sendCommand(words: Words, options?: { abortSignal: AbortSignal }): Promise<unknown>;
  multi(): { addCommand(words: Words): unknown; execAsPipeline(): Promise<unknown[]> };
  duplicate(overrides: object): ReplyClient;
}

/** A client that only subscribes. */
interface ReplyClient extends Client {
  on(event: "error" | "end" | "connect" | "sharded-channel-moved", listener: (about: unknown) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channels: readonly string[], listener: (message: Buffer) => void, bufferMode: true): Promise<unknown>;
  sSubscribe(channels: readonly string[], listener: (message: Buffer) => void, bufferMode: true): Promise<unknown>;
  destroy(): void;
}

interface Pool extends Client {
  execute<T>(call: (client: Client) => Promise<T>): Promise<T>;
}

interface Sentinel {
  getMasterNode(): unknown;
  _execute<T>(isReadonly: boolean, call: (client: Client) => Promise<T>): Promise<T>;
  sendCommand(isReadonly: boolean, words: Words): Promise<unknown>;
  multi(): { addCommand(isReadonly: boolean, words: Words): unknown; execAsPipeline(): Promise<unknown[]> };
}

interface Cluster {
  /** Not in the first versions 5. */
  readonly _options?: { nodeAddressMap?: AddressMap };
  masters: { address?: string }[];
  replicas: unknown[];
  slots: { master: unknown }[];
  nodeClient(node: unknown): Client | Promise<Client>;
  sendCommand(key: string, isReadonly: boolean, words: Words, options?: { abortSignal: AbortSignal }): Promise<unknown>;
  multi(): {
    addCommand(key: string, isReadonly: boolean, words: Words): unknown;
    execAsPipeline(): Promise<unknown[]>;
  };
}

type AnyClient = Client | Pool | Sentinel | Cluster;

export function isNodeRedis(client: unknown): client is AnyClient {
  const { sendCommand, multi } = Object(client) as Partial<Client>;
  return typeof sendCommand === "function" && typeof multi === "function";
}

export function newNodeRedis(client: AnyClient): Connection {
  if ("nodeClient" in client) {
    return new ClusterConnection(client);
  }
  return "getMasterNode" in client ? new SentinelConnection(client) : new ClientConnection(client);
}

/** Makes a pipeline of node-redis, which fails with its first error. */
function pipelineOf(add: (command: Command) => void, exec: () => Promise<unknown[]>): Pipeline {
  return {
    add,
    exec: async () => {
      const answers = await exec();
      return { answerTo: (i) => answers[i], failed: 0, first: undefined };
    },
  };
}

/**
 * The classes of errors that mean that a command was refused by Redis, or was not written. node-redis never writes one
 * twice.
 */
const refusals: ReadonlySet<string> = new Set([
  "SimpleError",
  "BlobError",
  "ErrorReply",
  "AbortError",
  "ClientClosedError",
  "ClientOfflineError",
  "TimeoutError",
]);

function isRefusal(error: unknown): boolean {
  return error instanceof Error && refusals.has(error.constructor.name);
}

/** A connection for replies: a duplicate of a client, at its Redis or at another one. */
class DuplicateConnection implements ReplyConnection {
  readonly #client: Promise<ReplyClient>;
  readonly #events: ReplyEvents;
  #close: () => void = () => {};
  #closed = false;

  constructor(original: Promise<Client>, events: ReplyEvents, at?: Address) {
    this.#events = events;
    this.#client = original.then((client) => this.#open(client, at));
    this.#client.catch(events.ended);
  }

  async #open(original: Client, at: Address | undefined): Promise<ReplyClient> {
    const { ended } = this.#events;
    const client = original.duplicate({
      // A timeout of the socket would cut off a reply that takes its time.
      socket: { ...original.options?.socket, ...at, reconnectStrategy: false, socketTimeout: undefined },
      commandOptions: { timeout: undefined },
      clientSideCache: undefined,
      pingInterval: undefined,
    });
    client.on("error", ended);
    client.on("end", () => ended(new Error("it was closed")));
    client.on("sharded-channel-moved", (channel) => ended(new Error(`Redis ended the subscription to ${channel}`)));
    // Before that, destroy would forget the socket, and leave it open.
    client.on("connect", () => {
      this.#close = () => destroy(client);
      if (this.#closed) {
        this.#close();
      }
    });
    await client.connect();
    // Not as an option, because a user who may not do that could not connect.
    client.sendCommand(["CLIENT", "SETNAME", replyName]).catch(() => {});
    return client;
  }

  async subscribe(channels: readonly string[], shard: boolean): Promise<void> {
    const client = await this.#client;
    await client[shard ? "sSubscribe" : "subscribe"](channels, this.#events.message, true);
  }

  async ping(): Promise<void> {
    const client = await this.#client;
    await client.sendCommand(["PING"]).catch((error) => {
      if (!isRefusal(error)) {
        throw error;
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#close();
  }
}

function destroy(client: ReplyClient): void {
  try {
    client.destroy();
  } catch {
    // It is closed already.
  }
}

function nodeOf(client: Client): RedisNode {
  return {
    call: (words) => client.sendCommand(words),
    ask: (command, signal) => askOnce(client, command, signal),
  };
}

function askOnce(client: Client, command: Command, abortSignal: AbortSignal): Promise<void> {
  return askedOnce(client.sendCommand(command, { abortSignal }), abortSignal, isRefusal);
}

class ClientConnection implements Connection {
  readonly isCluster = false;
  readonly #client: Client | Pool;

  constructor(client: Client | Pool) {
    this.#client = client;
  }

  send(command: Command): Promise<unknown> {
    return this.#client.sendCommand(command);
  }

  pipeline(): Pipeline {
    const multi = this.#client.multi();
    return pipelineOf(
      (command) => multi.addCommand(command),
      () => multi.execAsPipeline(),
    );
  }

  ask(command: Command, signal: AbortSignal): Promise<void> {
    return askOnce(this.#client, command, signal);
  }

  openReplies(_: string | undefined, events: ReplyEvents): ReplyConnection {
    const client = this.#client;
    return new DuplicateConnection(
      "execute" in client ? client.execute(async (one) => one) : Promise.resolve(client),
      events,
    );
  }

  async nodes(): Promise<RedisNode[]> {
    return [nodeOf(this.#client)];
  }
}

class SentinelConnection implements Connection {
  readonly isCluster = false;
  readonly #client: Sentinel;

  constructor(client: Sentinel) {
    this.#client = client;
  }

  send(command: Command): Promise<unknown> {
    return this.#client.sendCommand(false, command);
  }

  pipeline(): Pipeline {
    const multi = this.#client.multi();
    return pipelineOf(
      (command) => multi.addCommand(false, command),
      () => multi.execAsPipeline(),
    );
  }

  /** Not through the Sentinel client, which sends a command again when the connection breaks. */
  async ask(command: Command, signal: AbortSignal): Promise<void> {
    await askOnce(await orAborted(this.#master(), signal), command, signal);
  }

  #master(): Promise<Client> {
    return this.#client._execute(false, async (master) => master);
  }

  openReplies(_: string | undefined, events: ReplyEvents): ReplyConnection {
    return new DuplicateConnection(this.#master(), events);
  }

  async nodes(): Promise<RedisNode[]> {
    return [
      {
        call: (words) => this.#client.sendCommand(false, words),
        ask: (command, signal) => this.ask(command, signal),
      },
    ];
  }
}

/**
 * On a Redis Cluster, any node takes a PUBLISH, and node-redis sends each to a random one, from where two events for one
 * client can overtake each other. So all of a channel go to the node that its slot names. Only a pipeline can be sent
 * to a certain node in versions 5 and 6 alike.
 */
class ClusterConnection implements Connection {
  readonly isCluster = true;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async send(command: Command): Promise<unknown> {
    if (command[0] === "PUBLISH") {
      return this.#publish([command]);
    }
    // Follows MOVED and ASK, which a pipeline does not.
    return this.#cluster.sendCommand(command[1], false, command);
  }

  #publish(commands: readonly Command[]): Promise<unknown[]> {
    const multi = this.#cluster.multi();
    for (const command of commands) {
      multi.addCommand(command[1], false, command);
    }
    return multi.execAsPipeline();
  }

  pipeline(): Pipeline {
    const commands: Command[] = [];
    return {
      add: (command) => commands.push(command),
      exec: () => this.#sendAll(commands),
    };
  }

  #sendAll(commands: readonly Command[]): Promise<Outcome> {
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < commands.length; ) {
      const [name, channel] = commands[i] as Command;
      let end = i + 1;
      if (name === "PUBLISH") {
        while (commands[end]?.[0] === name && commands[end]?.[1] === channel) {
          end++;
        }
        const run = this.#publish(commands.slice(i, end));
        for (; i < end; i++) {
          answers.push(run);
        }
      } else {
        answers.push(this.send(commands[i++] as Command));
      }
    }
    return outcomeOf(answers);
  }

  async ask(command: Command, abortSignal: AbortSignal): Promise<void> {
    const [name, channel] = command;
    const options = { abortSignal };
    const node = name === "PUBLISH" ? await orAborted(this.#node(channel), abortSignal) : undefined;
    // The cluster sends one to another node only when the first one has refused it.
    const answer = node?.sendCommand(command, options) ?? this.#cluster.sendCommand(channel, false, command, options);
    await askedOnce(answer, abortSignal, isRefusal);
  }

  openReplies(shardChannel: string | undefined, events: ReplyEvents): ReplyConnection {
    return shardChannel === undefined
      ? new DuplicateConnection(this.#node(undefined), events)
      : new ShardConnection((to, address) => this.#open(shardChannel, to, address), events);
  }

  #open(shardChannel: string, events: ReplyEvents, address: string | undefined): ReplyConnection {
    if (address === undefined) {
      return new DuplicateConnection(this.#node(shardChannel), events);
    }
    const known = this.#cluster.masters.find((node) => node.address === address);
    return known === undefined
      ? new DuplicateConnection(
          this.#node(shardChannel),
          events,
          reachedAt(address, this.#cluster._options?.nodeAddressMap),
        )
      : new DuplicateConnection(Promise.resolve(this.#cluster.nodeClient(known)), events);
  }

  /** Returns the client of the node that a channel names; any one when there is none. */
  async #node(channel: string | undefined): Promise<Client> {
    const node = this.#master(channel);
    if (node === undefined) {
      throw new Error("no node of the Redis Cluster is known");
    }
    return this.#cluster.nodeClient(node);
  }

  #master(channel: string | undefined): unknown {
    const { masters, slots } = this.#cluster;
    return channel === undefined ? masters[Math.floor(Math.random() * masters.length)] : slots[slotOf(channel)]?.master;
  }

  async nodes(): Promise<RedisNode[]> {
    const { masters, replicas } = this.#cluster;
    return Promise.all([...masters, ...replicas].map(async (node) => nodeOf(await this.#cluster.nodeClient(node))));
  }
}
