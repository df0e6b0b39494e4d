import { connect, type RedisClient } from "./client.js";
import { BroadcastOperator, checkNamespace } from "./operator.js";
import { type EmitterOptions, readOptions } from "./options.js";
import { DirectSender, Sender } from "./sender.js";
import { everyone } from "./target.js";
import type { DefaultEventsMap, EventsMap } from "./typed-events.js";

/**
 * Sends to the clients of a Socket.IO cluster through Redis. Its own calls, those of BroadcastOperator, mean everyone in
 * its namespace.
 *
 * @example
 * const io = new Emitter(redisClient);
 * await io.to("room1").except("room2").emit("order:paid", { id: 1 });
 */
export class Emitter<
  EmitEvents extends EventsMap = DefaultEventsMap,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
  SocketData = any,
> extends BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
  /** The client that it sends through, which stays its owner's. */
  readonly redisClient: RedisClient;
  /** The namespace. */
  readonly nsp: string;

  readonly #sender: Sender;
  readonly #refusal: unknown;

  /**
   * Returns an emitter that sends through a client of node-redis or ioredis. It throws for a client or an option that
   * cannot be.
   */
  constructor(redisClient: RedisClient, options?: EmitterOptions, nsp?: string);
  /** @internal An emitter beside another one. */
  constructor(redisClient: RedisClient, sender: Sender, nsp: string, refusal?: unknown);
  constructor(redisClient: RedisClient, options: EmitterOptions | Sender = {}, nsp = "/", refusal?: unknown) {
    const sender = options instanceof Sender ? options : new DirectSender(readOptions(options), connect(redisClient));
    const name = checkNamespace(nsp);
    super(sender, everyone(name), refusal);
    this.redisClient = redisClient;
    this.nsp = name;
    this.#sender = sender;
    this.#refusal = refusal;
  }

  /** Returns an emitter for a namespace. The leading slash may be left out. */
  override of(nsp: string): Emitter<EmitEvents, ServerSideEvents, SocketData> {
    let refusal = this.#refusal;
    try {
      return new Emitter(this.redisClient, this.#sender, checkNamespace(nsp), refusal);
    } catch (error) {
      refusal ??= error;
      return new Emitter(this.redisClient, this.#sender, this.nsp, refusal);
    }
  }

  /**
   * Calls a function with an emitter whose events are collected, and then sends them in one round trip, in order. When
   * the function throws, or a call in it is refused, nothing is sent, and the promise is rejected.
   *
   * @example
   * await io.pipeline((io) => {
   *   for (const user of users) io.to(user.room).emit("news", user.news);
   * });
   */
  pipeline(fill: (io: Emitter<EmitEvents, ServerSideEvents, SocketData>) => unknown): Promise<void> {
    return this.#sender.pipeline((sender) => fill(new Emitter(this.redisClient, sender, this.nsp, this.#refusal)));
  }

  /**
   * Ends all calls that wait for answers, and the connection for replies, of this emitter and those that came from it.
   * Later calls with answers are refused; all others go on. The client stays its owner's.
   */
  close(): void {
    this.#sender.close();
  }
}
