import type { Room } from "./names.js";
import type { Target } from "./target.js";

/** The name under which an emitter signs. Servers take it for no member of their cluster. */
export const uid = "emitter";

/** The type of a packet with an event. */
export const eventPacket = 2;

/**
 * A Redis command. Behind its name stands a channel or the key of a stream, which says the node of a Redis Cluster that
 * gets it.
 */
export type Command = [name: "PUBLISH" | "SPUBLISH" | "XADD", key: string, ...words: (string | Uint8Array)[]];

/** What is asked of servers beside broadcasts. */
export type Request =
  | { kind: "join" | "leave"; rooms: readonly Room[] }
  | { kind: "disconnect"; close: boolean }
  | { kind: "serverSideEmit"; event: string; args: readonly unknown[] };

/** What is asked of servers, who answer it. */
export type Question =
  | { kind: "fetchSockets" | "rooms" }
  | { kind: "emitWithAck" | "serverSideEmit"; event: string; args: readonly unknown[] };

/** How the servers of a cluster are joined. */
export interface Adapter {
  /** Returns the command that sends an event to clients. */
  broadcast(target: Target, event: string, args: readonly unknown[]): Command;
  /** Returns the command that sends a request to the servers. */
  request(target: Target, request: Request): Command;
  /** Returns the PUBSUB command and the channel to which each server of the namespace subscribes once. */
  listeners(nsp: string): ["NUMSUB" | "SHARDNUMSUB", string];
}

/** An adapter whose servers answer questions. */
export interface AskingAdapter extends Adapter {
  /**
   * Returns the command that asks servers something. Their answers carry the id; clients have so many milliseconds to
   * acknowledge.
   */
  question(target: Target, question: Question, id: string, timeout: number): Command;
  /** Returns the channels on which servers answer, and whether they are shard channels. */
  replyChannels(nsp: string): { channels: readonly string[]; shard: boolean };
  /** What is asked to learn the names of all rooms. */
  readonly roomsQuestion: "rooms" | "fetchSockets";
  /** Returns what a server needs to answer a question; the likely reason when none does. */
  needs(kind: Question["kind"]): string | undefined;
  /** Reports whether a request holds binary, which ends some servers. */
  endsServers(request: Command): boolean;
}

export function isAsking(adapter: Adapter): adapter is AskingAdapter {
  return "question" in adapter;
}

/** What a server needs for an event that is for servers. */
export const needsHandler = "a handler for the event";
