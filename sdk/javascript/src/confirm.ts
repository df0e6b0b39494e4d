import type { AskingAdapter, Command } from "./adapter.js";
import { type Asker, type CallOnly, noServers, type Round, unanswered } from "./ask.js";
import { redisError } from "./client.js";
import { PresenceCollector } from "./collectors.js";
import { type Connection, orAborted, type RedisNode } from "./connection.js";
import { countSubscribers } from "./counts.js";
import { Deadline, Ended } from "./deadline.js";
import { IncompleteError, messageOf, SioemitError, UnconfirmedError } from "./errors.js";
import { Heartbeats } from "./heartbeats.js";
import type { Outcome, Sent, Window } from "./sent.js";
import { fieldOf, interrupted, look, type State } from "./state.js";
import { Streams } from "./streams.js";

/** What a confirmation is worth. */
interface Proof {
  state: State | undefined;
  /** Why nothing is proven. */
  why: string | undefined;
  cause?: unknown;
}

/**
 * Finds out whether the servers have taken what was sent. It asks them a question behind the events: a server takes what one
 * connection brings in order. An answer alone proves too little, since a server whose connection was cut and came back
 * answers as well. So what carries the events is compared with how it was the last time.
 */
export class Confirmer {
  readonly #adapter: AskingAdapter;
  readonly #connection: Connection;
  readonly #asker: Asker;
  readonly #sent: Sent;
  readonly #heartbeats: Heartbeats | undefined;
  /** Is fulfilled once the confirmations before are over. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(adapter: AskingAdapter, connection: Connection, asker: Asker, sent: Sent) {
    this.#adapter = adapter;
    this.#connection = connection;
    this.#asker = asker;
    this.#sent = sent;
    this.#heartbeats = adapter instanceof Streams ? new Heartbeats(adapter, connection) : undefined;
  }

  /** Returns how many servers have answered, each of which has taken what was sent to the namespace. */
  async confirm({ name, target, patience }: CallOnly): Promise<number> {
    const deadline = new Deadline(patience);
    const before = this.#turn;
    let leave = () => {};
    const over = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#turn = Promise.all([before, over]);
    try {
      deadline.check();
      await within(name, 0, orAborted(before, deadline.signal));
      return await this.#confirm(name, target.frame.nsp, deadline);
    } finally {
      leave();
      deadline.end();
    }
  }

  async #confirm(name: string, nsp: string, deadline: Deadline): Promise<number> {
    const window = this.#sent.begin(nsp);
    let servers: number;
    try {
      await deadline.before(orAborted(this.#sent.landed(window), deadline.signal));
      servers = await this.#ask(name, window, deadline);
    } catch (error) {
      this.#sent.restore(window);
      throw error;
    }
    const { state, why, cause } = await this.#proof(window, servers, deadline);
    // What cannot be known now never will be: the next confirmation begins anew.
    const missed = missedBehind(window.last, servers, why !== undefined);
    const doubt = state === undefined ? "Redis did not let us look" : why;
    this.#sent.end(window, { round: window.round, state, doubt, missed });
    const reason = why ?? this.#beside(window) ?? window.doubt;
    if (reason !== undefined && window.since !== undefined) {
      throw new UnconfirmedError(name, reason, servers, { cause });
    }
    return servers;
  }

  /** Says what went another way than the question. */
  #beside({ channels }: Window): string | undefined {
    const isStream = this.#adapter.carriers === undefined;
    return isStream && channels.length > 0 ? "what is for the servers themselves goes beside the stream" : undefined;
  }

  /** Asks all servers, and again when some have come meanwhile: one of them may have answered in the place of another. */
  async #ask(name: string, { nsp, channels }: Window, deadline: Deadline): Promise<number> {
    const [word, own] = this.#adapter.listeners(nsp);
    // On a Redis Cluster, what goes to a room's channel comes by another connection than what goes to that of the namespace.
    const others = this.#adapter.carriers === undefined ? [] : channels.filter((channel) => channel !== own);
    const count = () => orAborted(countSubscribers(this.#connection, [word, own, ...others]), deadline.signal);
    let counts = await deadline.before(count());
    while (true) {
      if (counts[0] === 0) {
        const answered = (await this.#heartbeats?.ask(name, nsp, deadline)) ?? 0;
        if (answered > 0) {
          return answered;
        }
        throw noServers(name, nsp);
      }
      const servers = await this.#askAll(name, nsp, deadline, [own, ...others], counts);
      const before = counts;
      counts = await within(name, servers, count());
      if (counts.some((now, i) => now > (before[i] ?? 0))) {
        continue;
      }
      if (servers === 0) {
        throw noServers(name, nsp); // but for those who only listen
      }
      return servers;
    }
  }

  /** Asks by all channels at the same time, and returns how many servers answered by the first one. */
  async #askAll(
    name: string,
    nsp: string,
    deadline: Deadline,
    channels: readonly string[],
    counts: readonly number[],
  ): Promise<number> {
    const nodes = await deadline.before(orAborted(this.#ways(), deadline.signal));
    const rounds: Round<number>[] = [];
    for (const [i, channel] of channels.entries()) {
      const asked = counts[i] ?? 0;
      if (asked === 0) {
        continue; // a room that nobody is in any more
      }
      for (const through of nodes) {
        rounds.push({
          name,
          nsp,
          asked,
          through,
          command: (id: string): Command => this.#adapter.harmless(nsp, id, channel),
          collector: () => new PresenceCollector(),
          needs: this.#adapter.needs("fetchSockets"),
          changesNothing: true,
        });
      }
    }
    const results = await Promise.allSettled(rounds.map((round) => this.#asker.round(round, deadline)));
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (errors.length > 0) {
      throw errors.reduce((worst, error) => (missingOf(error) > missingOf(worst) ? error : worst));
    }
    return (results[0] as PromiseFulfilledResult<number>).value;
  }

  /**
   * Returns the ways that questions go. Events by pattern have gone through several masters of a Redis Cluster, and are in
   * order on their way from each.
   */
  async #ways(): Promise<readonly Pick<RedisNode, "ask">[]> {
    if (!(this.#connection.isCluster && this.#adapter.carriers?.field === "psub")) {
      return [this.#connection];
    }
    const nodes = await this.#connection.nodes();
    const roles = await Promise.all(
      nodes.map(async (node) => {
        try {
          return fieldOf(String(await node.call(["INFO", "replication"])), "role");
        } catch (error) {
          throw redisError("INFO", error, this.#connection);
        }
      }),
    );
    const masters = nodes.filter((_, i) => roles[i] === "master");
    if (masters.length === 0) {
      throw new SioemitError("redis", "no master of the Redis Cluster is known");
    }
    return masters;
  }

  /** Looks whether all that carried the events is still in place, now that so many servers have answered. */
  async #proof(window: Window, servers: number, { signal }: Deadline): Promise<Proof> {
    let state: State;
    try {
      state = { ...(await orAborted(look(this.#connection, this.#adapter.carriers), signal)), servers };
    } catch (error) {
      return { state: undefined, ...reasonOf(error) };
    }
    const { last, since } = window;
    const why = state.unseen ?? interrupted(last.state, state, since, last.missed > 0);
    if (why !== undefined) {
      return { state, why };
    }
    try {
      return { state, why: await orAborted(this.#lost(window), signal) };
    } catch (error) {
      return { state, ...reasonOf(error) };
    }
  }

  /**
   * Says what is not in the stream any more, now that every server has read beyond it: entries that were trimmed before they
   * were read, or that a Redis has lost which took the place of another. While the first one is there, none behind it has been
   * trimmed.
   */
  async #lost({ nsp, entries }: Window): Promise<string | undefined> {
    if (!(this.#adapter instanceof Streams && entries !== undefined)) {
      return;
    }
    const stream = this.#adapter.stream(nsp);
    const ends = [entries.first, entries.last];
    try {
      const found = await Promise.all(ends.map((id) => this.#connection.send(["XRANGE", stream, id, id])));
      return found.every((list) => (list as unknown[]).length > 0)
        ? undefined
        : "an entry is no longer in the stream, and may have been trimmed before it was read";
    } catch (error) {
      throw redisError("XRANGE", error, this.#connection);
    }
  }
}

/** Waits for something that is left to do once so many servers have answered. */
async function within<T>(call: string, servers: number, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    throw error instanceof Ended ? unanswered(call, servers, servers, error) : error;
  }
}

/** Returns why we could not look. */
function reasonOf(error: unknown): { why: string; cause: unknown } {
  const isOurs = error instanceof Ended || error instanceof SioemitError;
  return { why: messageOf(error), cause: isOurs ? error.cause : error };
}

function missingOf(error: unknown): number {
  return error instanceof IncompleteError ? error.asked - error.servers : 0;
}

/**
 * Returns how many servers are missed behind a confirmation that so many have answered. Interrupted says that some may have
 * been cut off since the last one, if only behind their answers.
 */
export function missedBehind(
  { state, missed }: Pick<Outcome, "state" | "missed">,
  servers: number,
  isInterrupted: boolean,
): number {
  if (!isInterrupted) {
    return servers >= missed ? 0 : missed;
  }
  if (state === undefined) {
    return missed;
  }
  if (state.servers > 0) {
    return Math.max(missed, state.servers);
  }
  let subscribers = 0; // as nobody has counted servers
  for (const node of state.nodes.values()) {
    subscribers += node.subscribers.size;
  }
  return Math.max(missed, subscribers);
}
