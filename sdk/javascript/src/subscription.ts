import { Buffer } from "node:buffer";
import { clearInterval, setInterval } from "node:timers";
import { redisError } from "./client.js";
import type { Connection, ReplyConnection } from "./connection.js";
import { SioemitError } from "./errors.js";
import { type Reply, readReply } from "./reply.js";
import { TooCostly } from "./unpack.js";

/**
 * How long a connection may be without any reply before it is pinged, and how long the answer may take before new calls
 * take another connection: it may be dead, or only slow.
 */
const silence = 3000;

/**
 * How long a connection may keep silent altogether. The answer to a ping comes behind a reply that is on its way, and
 * that may be large, and the network slow.
 */
const patience = 60_000;

const idBytes = 16;

/** Who waits for the answers to a question. */
interface Listener {
  /** Takes an answer; undefined for one that is not to be decoded. */
  take(reply: Reply | undefined): void;
  fail(error: unknown): void;
}

interface Events {
  /** No more calls may join it. */
  retired(): void;
  ended(): void;
}

/** One connection that receives replies, and those who wait on it. */
export class Subscription {
  /** By the id of the question. */
  readonly waiting = new Map<string, Listener>();

  readonly #prefix: string;
  readonly #events: Events;
  readonly #client: Connection;
  readonly #connection: ReplyConnection | undefined;
  /** What is fulfilled once Redis has confirmed a channel. A channel stays subscribed as long as the connection. */
  readonly #channels = new Map<string, Promise<unknown>>();
  readonly #watch: NodeJS.Timeout;
  /** When Redis last said anything. */
  #heard = Date.now();
  /** When it was pinged, if the answer has not come. */
  #pinged: number | undefined;
  #isEnded = false;

  constructor(client: Connection, shardChannel: string | undefined, prefix: string, events: Events) {
    this.#client = client;
    this.#prefix = prefix;
    this.#events = events;
    this.#watch = setInterval(() => this.#look(), silence / 3);
    try {
      this.#connection = client.openReplies(shardChannel, {
        message: (message) => this.#deliver(message),
        ended: (error) => this.end(this.#lost(error)),
      });
    } catch (error) {
      // Those who have joined by then are told.
      queueMicrotask(() => this.end(this.#lost(error)));
    }
  }

  #lost(error: unknown): SioemitError {
    return redisError("the connection for replies", error, this.#client, "subscription");
  }

  isFull(max: number): boolean {
    return this.#channels.size >= max;
  }

  /** Subscribes to channels, and waits until Redis has confirmed all of them. */
  async add(channels: readonly string[], shard: boolean): Promise<void> {
    const missing = channels.filter((channel) => !this.#channels.has(channel));
    if (missing.length > 0 && this.#connection !== undefined) {
      const confirmed = this.#connection.subscribe(missing, shard).then(() => {
        this.#heard = Date.now();
      });
      confirmed.catch((error) => this.end(this.#lost(error)));
      for (const channel of missing) {
        this.#channels.set(channel, confirmed);
      }
    }
    // What becomes of a connection that ends, those who wait are told otherwise.
    const never = new Promise(() => {});
    await Promise.all(channels.map((channel) => this.#channels.get(channel)?.catch(() => never) ?? never));
  }

  /**
   * Hands a reply to the call that waits for it. Whatever else comes, and that may be much, is not decoded: answers to
   * others, and late ones.
   */
  #deliver(message: Uint8Array): void {
    this.#heard = Date.now();
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    const n = this.#prefix.length + 2 * idBytes;
    for (let at = bytes.indexOf(this.#prefix); at >= 0; at = bytes.indexOf(this.#prefix, at + 1)) {
      const id = bytes.toString("latin1", at, at + n);
      if (this.waiting.has(id)) {
        this.#take(message, id);
        return;
      }
    }
  }

  /** Takes a message in which the id of a question has been seen. Whether it is the answer to that, it says itself. */
  #take(message: Uint8Array, seen: string): void {
    try {
      const answer = readReply(message);
      this.waiting.get(answer?.id ?? "")?.take(answer?.reply);
    } catch (error) {
      if (!(error instanceof TooCostly)) {
        throw error;
      }
      this.waiting.get(seen)?.take(undefined);
    }
  }

  /** Finds out when the connection has gone without being closed. */
  #look(): void {
    const now = Date.now();
    if (now - this.#heard >= patience) {
      this.end(this.#lost(new Error(`it has not answered for ${patience} ms`)));
    } else if (this.#pinged !== undefined) {
      if (now - this.#pinged >= silence) {
        this.#events.retired();
      }
    } else if (now - this.#heard >= silence) {
      this.#pinged = now;
      this.#connection?.ping().then(
        () => {
          this.#heard = Date.now();
          this.#pinged = undefined;
        },
        (error) => this.end(this.#lost(error)),
      );
    }
  }

  /** Fails every call that waits; a later one opens a new connection. */
  end(error: SioemitError): void {
    if (this.#isEnded) {
      return;
    }
    this.#isEnded = true;
    clearInterval(this.#watch);
    this.#events.ended();
    this.#connection?.close();
    for (const { fail } of this.waiting.values()) {
      fail(again(error)); // what one call adds to it is not for the others
    }
  }

  closeUnused(): void {
    if (this.waiting.size === 0) {
      this.end(new SioemitError("closed", "nothing waits"));
    }
  }
}

function again({ reason, message, cause }: SioemitError): SioemitError {
  return new SioemitError(reason, message, cause === undefined ? {} : { cause });
}
