import { setImmediate } from "node:timers";
import type { Command } from "./adapter.js";
import { messageOf } from "./errors.js";

/** One Redis. */
export interface RedisNode {
  /** Sends a command that has no key. */
  call(words: readonly string[]): Promise<unknown>;
  /**
   * Sends a question, which is written once at most: a server that got it twice would answer, and act, twice. It fails
   * with Doubt when nobody knows whether Redis has taken it, as when the signal is aborted meanwhile.
   */
  ask(command: Command, signal: AbortSignal): Promise<unknown>;
}

/** What the emitter needs of a client, whatever its library. */
export interface Connection {
  /** Sends a command on its way; the promise is that of Redis's answer. */
  send(command: Command): Promise<unknown>;
  /** The same as that of a node, by way of the node that the command's key names. */
  ask: RedisNode["ask"];
  /** Returns a pipeline, in which nothing is sent before its exec. */
  pipeline(): Pipeline;
  /** Returns every node that the client knows. Each knows its own subscribers only. */
  nodes(): Promise<readonly RedisNode[]>;
  /**
   * Opens a connection for replies, with the settings of the client. On a Redis Cluster, a shard channel says at which
   * node.
   */
  openReplies(shardChannel: string | undefined, events: ReplyEvents): ReplyConnection;
  /** Whether it is a client of a whole Redis Cluster. */
  readonly isCluster: boolean;
}

/** What a connection for replies tells. */
export interface ReplyEvents {
  message(message: Uint8Array): void;
  /** It is over, and opens no other. */
  ended(error: unknown): void;
}

/**
 * How connections for replies name themselves. In CLIENT LIST it tells them from those of servers, which use the same
 * clients.
 */
export const replyName = "sioemit-replies";

/** A connection that only subscribes. It never connects again by itself: the replies that came meanwhile would be lost. */
export interface ReplyConnection {
  subscribe(channels: readonly string[], shard: boolean): Promise<unknown>;
  /** Is fulfilled once Redis has answered, whatever it says. */
  ping(): Promise<void>;
  close(): void;
}

/** Nobody knows whether Redis has taken a question. */
export class Doubt extends Error {}

/** Waits for the answer to a question, but not longer than a signal. An error that is no refusal leaves a doubt. */
export async function askedOnce(
  answer: Promise<unknown>,
  signal: AbortSignal,
  isRefusal: (error: unknown) => boolean,
): Promise<void> {
  try {
    await orAborted(answer, signal);
  } catch (error) {
    if (isRefusal(error)) {
      throw error;
    }
    throw new Doubt(messageOf(error), { cause: error });
  }
}

/** Waits for a promise, but not longer than a signal. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    // A promise that the same signal rejects goes first.
    const abort = () => setImmediate(reject, signal.reason);
    const stop = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    } else {
      signal.addEventListener("abort", abort);
    }
    promise.finally(stop).then(resolve, reject);
  });
}

/** Commands that are sent in one round trip for each node of Redis. */
export interface Pipeline {
  readonly add: (command: Command) => void;
  /** Sends the commands, and says what came of them; or fails itself, where the client does not say how many did. */
  exec(): Promise<Outcome>;
}

/** What came of a pipeline. */
export interface Outcome {
  /** Returns what Redis answered to a command; undefined where that failed. */
  answerTo(i: number): unknown;
  /** How many failed; undefined where the client does not say. */
  failed: number | undefined;
  first: { error: unknown } | undefined;
}

/** What came of commands that were sent one by one. */
export async function outcomeOf(sent: readonly Promise<unknown>[]): Promise<Outcome> {
  const errors: { error: unknown }[] = [];
  const answers: unknown[] = [];
  for (const answer of await Promise.allSettled(sent)) {
    if (answer.status === "rejected") {
      errors.push({ error: answer.reason });
      answers.push(undefined);
    } else {
      answers.push(answer.value);
    }
  }
  return { answerTo: (i) => answers[i], failed: errors.length, first: errors[0] };
}
