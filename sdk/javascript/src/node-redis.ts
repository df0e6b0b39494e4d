import type { Command } from "./adapter.js";
import { type Connection, type Failures, failuresOf, type Pipeline } from "./connection.js";

type Words = readonly (string | Uint8Array)[];

/**
 * What of node-redis is used. Its raw commands, because the methods named after commands add a keyPrefix, and take
 * PUBLISH and SPUBLISH for reading, which a Sentinel client does on replicas.
 */
interface Client {
  sendCommand(words: Words): Promise<unknown>;
  multi(): { addCommand(words: Words): unknown; execAsPipeline(): Promise<unknown> };
}

interface Sentinel {
  getMasterNode(): unknown;
  sendCommand(isReadonly: boolean, words: Words): Promise<unknown>;
  multi(): { addCommand(isReadonly: boolean, words: Words): unknown; execAsPipeline(): Promise<unknown> };
}

interface Cluster {
  masters: unknown[];
  replicas: unknown[];
  nodeClient(node: unknown): Client | Promise<Client>;
  sendCommand(key: string, isReadonly: boolean, words: Words): Promise<unknown>;
  multi(): { addCommand(key: string, isReadonly: boolean, words: Words): unknown; execAsPipeline(): Promise<unknown> };
}

type AnyClient = Client | Sentinel | Cluster;

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
function pipelineOf(add: (command: Command) => void, exec: () => Promise<unknown>): Pipeline {
  return {
    add,
    exec: async () => {
      await exec();
      return { count: 0, first: undefined };
    },
  };
}

class ClientConnection implements Connection {
  readonly isCluster = false;
  readonly #client: Client;

  constructor(client: Client) {
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

  askAll(words: readonly string[]): Promise<unknown[]> {
    return Promise.all([this.#client.sendCommand(words)]);
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

  askAll(words: readonly string[]): Promise<unknown[]> {
    return Promise.all([this.#client.sendCommand(false, words)]);
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

  #publish(commands: readonly Command[]): Promise<unknown> {
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

  #sendAll(commands: readonly Command[]): Promise<Failures> {
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
    return failuresOf(answers);
  }

  async askAll(words: readonly string[]): Promise<unknown[]> {
    const { masters, replicas } = this.#cluster;
    return Promise.all(
      [...masters, ...replicas].map(async (node) => (await this.#cluster.nodeClient(node)).sendCommand(words)),
    );
  }
}
