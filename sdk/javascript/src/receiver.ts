import { randomBytes } from "node:crypto";
import { type Connection, orAborted } from "./connection.js";
import { SioemitError } from "./errors.js";
import type { Reply } from "./reply.js";
import { Subscription } from "./subscription.js";

/** How many channels a connection for replies may have: calls that always overlap would keep those of every namespace. */
const maxChannels = 1000;

/** The channels on which servers answer. */
export interface Channels {
  channels: readonly string[];
  shard: boolean;
}

/**
 * Receives what servers answer to one emitter. It has a connection only while a call waits: the first one opens it, the
 * last one closes it.
 */
export class Receiver {
  readonly #connection: Connection;
  /** What all ids of its questions start with, and by which they are found in what comes. */
  readonly #prefix = randomBytes(12).toString("hex");
  /** The connections that calls join, by the shard channel that has one of its own. */
  readonly #joined = new Map<string, Subscription>();
  readonly #all = new Set<Subscription>();
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Returns a wait for answers on some channels once Redis has confirmed them, so that no answer to a question that is
   * asked then is missed.
   */
  async wait({ channels, shard }: Channels, signal: AbortSignal): Promise<Wait> {
    this.check();
    // Shard channels live on different nodes of a Redis Cluster.
    const own = shard && this.#connection.isCluster ? channels[0] : undefined;
    let subscription = this.#joined.get(own ?? "");
    if (subscription === undefined || subscription.isFull(maxChannels)) {
      subscription = this.#open(own);
    }
    const wait = new Wait(subscription, this.#prefix);
    try {
      const confirmed = subscription.add(channels, shard);
      await Promise.race([orAborted(confirmed, signal), wait.lost]);
    } catch (error) {
      wait.release();
      throw error;
    }
    return wait;
  }

  #open(own: string | undefined): Subscription {
    const name = own ?? "";
    const subscription: Subscription = new Subscription(this.#connection, own, this.#prefix, {
      retired: () => this.#retire(name, subscription),
      ended: () => {
        this.#retire(name, subscription);
        this.#all.delete(subscription);
      },
    });
    this.#joined.set(name, subscription);
    this.#all.add(subscription);
    return subscription;
  }

  /** Lets no more calls join. */
  #retire(name: string, subscription: Subscription): void {
    if (this.#joined.get(name) === subscription) {
      this.#joined.delete(name);
    }
  }

  /** Refuses a call after close. */
  check(): void {
    if (this.#closed) {
      throw new SioemitError("closed", "the emitter has been closed");
    }
  }

  /** Fails every call that waits, and all later ones. */
  close(): void {
    this.#closed = true;
    for (const subscription of [...this.#all]) {
      subscription.end(new SioemitError("closed", "the emitter has been closed"));
    }
  }
}

/** A call that waits for answers. */
export class Wait {
  /** Fails when the connection for replies breaks. */
  readonly lost: Promise<never>;

  readonly #subscription: Subscription;
  readonly #prefix: string;
  #id: string;
  #fail: (error: unknown) => void = () => {};

  constructor(subscription: Subscription, prefix: string) {
    this.#subscription = subscription;
    this.#prefix = prefix;
    this.lost = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.lost.catch(() => {});
    this.#id = this.#newId();
    // Nothing is asked yet, but the connection is kept.
    this.#listen(() => {});
  }

  /** The ids of all questions are of one length, and nobody can guess one. */
  #newId(): string {
    return this.#prefix + randomBytes(16).toString("hex");
  }

  #listen(take: (reply: Reply | undefined) => void): void {
    this.#subscription.waiting.set(this.#id, { take, fail: this.#fail });
  }

  /** Returns the id of a question, whose answers are given to a function from now on; earlier ones are forgotten. */
  newQuestion(take: (reply: Reply | undefined) => void): string {
    const before = this.#id;
    this.#id = this.#newId();
    this.#listen(take);
    this.#subscription.waiting.delete(before);
    return this.#id;
  }

  /** Ends the wait; after the last one the connection is closed. */
  release(): void {
    this.#subscription.waiting.delete(this.#id);
    this.#subscription.closeUnused();
  }
}
