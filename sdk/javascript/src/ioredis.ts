import type { Command } from "./adapter.js";
import { type Connection, type Failures, failuresOf, type Pipeline } from "./connection.js";

type Words = readonly (string | Uint8Array)[];

/** A command of ioredis, of which one knows the keys. */
interface KeyedCommand {
  keys?: unknown[];
}

/** What of ioredis is used. */
interface Client {
  readonly options: { keyPrefix?: string; enableAutoPipelining?: boolean };
  readonly isCluster?: boolean;
  readonly status: string;
  call(name: string, ...words: Words): Promise<unknown>;
  sendCommand(command: KeyedCommand, stream?: unknown, node?: unknown): unknown;
  pipeline(): ClientPipeline;
}

interface ClientPipeline {
  options: object;
  call(name: string, ...words: Words): unknown;
  publish(channel: string, message: string | Uint8Array): unknown;
  exec(): Promise<[error: unknown, reply?: unknown][]>;
}

interface Cluster extends Client {
  nodes(role: "all"): Client[];
}

export function isIORedis(client: unknown): client is Client | Cluster {
  const { call, pipeline, sendCommand } = Object(client) as Partial<Client>;
  return typeof call === "function" && typeof pipeline === "function" && typeof sendCommand === "function";
}

export function newIORedis(client: Client | Cluster): Connection {
  return client.isCluster && "nodes" in client ? new ClusterConnection(client) : new ClientConnection(client);
}

/**
 * Sends a command without the client's keyPrefix, which would rename streams and shard channels: servers know nothing of
 * it. `call` makes a command by the options of what it is called on, and has it sent.
 */
function callWithoutPrefix(
  client: Client,
  command: Command,
  onCommand?: (made: KeyedCommand) => void,
): Promise<unknown> {
  const [name, ...words] = command;
  const commander = {
    options: { ...client.options, keyPrefix: "", enableAutoPipelining: false },
    sendCommand(made: KeyedCommand, stream?: unknown, node?: unknown): unknown {
      onCommand?.(made);
      return client.sendCommand(made, stream, node);
    },
  };
  return client.call.call(commander, name, ...words);
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
      exec: () => failuresIn(pipeline),
    };
  }

  askAll(words: readonly string[]): Promise<unknown[]> {
    return Promise.all([this.#client.call(...(words as [string]))]);
  }
}

async function failuresIn(pipeline: ClientPipeline): Promise<Failures> {
  const failed = (await pipeline.exec()).filter(([error]) => error);
  return { count: failed.length, first: failed[0] && { error: failed[0][0] } };
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
      exec: () => failuresOf(commands.map((command) => this.send(command))),
    };
  }

  async askAll(words: readonly string[]): Promise<unknown[]> {
    if (this.#cluster.status !== "ready") {
      await this.#cluster.call("PING"); // waits until the nodes are known
    }
    return Promise.all(this.#cluster.nodes("all").map((node) => node.call(...(words as [string]))));
  }
}
