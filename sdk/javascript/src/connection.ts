import type { Command } from "./adapter.js";

/** What the emitter needs of a client, whatever its library. */
export interface Connection {
  /** Sends a command on its way; the promise is that of Redis's answer. */
  send(command: Command): Promise<unknown>;
  /** Returns a pipeline, in which nothing is sent before its exec. */
  pipeline(): Pipeline;
  /** Sends a command about pub/sub to every node, since each knows its own subscribers only. */
  askAll(words: readonly string[]): Promise<unknown[]>;
  /** Whether it is a client of a whole Redis Cluster. */
  readonly isCluster: boolean;
}

/** Commands that are sent in one round trip for each node of Redis. */
export interface Pipeline {
  add(command: Command): void;
  /** Sends the commands, and says what failed of them; or fails itself, where the client does not say how many did. */
  exec(): Promise<Failures>;
}

/** What failed of a pipeline. */
export interface Failures {
  /** How many commands; undefined where the client does not say. */
  count: number | undefined;
  first: { error: unknown } | undefined;
}

/** What came of commands that were sent one by one. */
export async function failuresOf(answers: readonly Promise<unknown>[]): Promise<Failures> {
  const failures: { error: unknown }[] = [];
  for (const answer of await Promise.allSettled(answers)) {
    if (answer.status === "rejected") {
      failures.push({ error: answer.reason });
    }
  }
  return { count: failures.length, first: failures[0] };
}
