import type { ReplyConnection, ReplyEvents } from "./connection.js";
import { messageOf } from "./errors.js";

/** How often a shard channel is followed from node to node before that is an error. */
const maxMoves = 5;

/** Where a node is reached. */
export interface Address {
  host: string;
  port: number;
}

/** Where nodes are reached, by the addresses that they give themselves: an option of the clients, by different names. */
export type AddressMap = Record<string, Address> | ((address: string) => Address | undefined);

/** Returns where a node is reached of which another one has told. */
export function reachedAt(address: string, map: AddressMap | undefined): Address {
  const colon = address.lastIndexOf(":");
  const mapped = typeof map === "function" ? map(address) : map?.[address];
  return mapped ?? { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

/** Returns the address of the node to which Redis sends a client by an error. */
function movedTo(error: unknown): string | undefined {
  return /^MOVED \d+ (\S+)$/.exec(messageOf(error))?.[1];
}

/**
 * A connection for replies at the node that has a shard channel: the one that Redis names when the client knows another.
 */
export class ShardConnection implements ReplyConnection {
  readonly #open: (events: ReplyEvents, address: string | undefined) => ReplyConnection;
  readonly #events: ReplyEvents;
  #current: ReplyConnection;
  #closed = false;

  /** The function opens a connection, at the node that the client knows unless it is given an address. */
  constructor(open: (events: ReplyEvents, address: string | undefined) => ReplyConnection, events: ReplyEvents) {
    this.#open = open;
    this.#events = events;
    this.#current = this.#connect();
  }

  #connect(address?: string): ReplyConnection {
    const ended = (error: unknown) => {
      if (connection === this.#current) {
        this.#events.ended(error);
      }
    };
    const connection = this.#open({ message: this.#events.message, ended }, address);
    return connection;
  }

  async subscribe(channels: readonly string[], shard: boolean): Promise<unknown> {
    for (let moves = 0; ; moves++) {
      const connection = this.#current;
      try {
        return await connection.subscribe(channels, shard);
      } catch (error) {
        const address = movedTo(error);
        if (address === undefined || moves === maxMoves || this.#closed) {
          throw error;
        }
        this.#current = this.#connect(address);
        connection.close();
      }
    }
  }

  async ping(): Promise<void> {
    const connection = this.#current;
    await connection.ping().catch((error) => {
      if (connection === this.#current) {
        throw error; // and not because it was left
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#current.close();
  }
}
