import { randomBytes } from "node:crypto";
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
export type Command = [
  name: "PUBLISH" | "SPUBLISH" | "XADD" | "XRANGE" | "XLEN",
  key: string,
  ...words: (string | Uint8Array)[],
];

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
  listeners(nsp: string): Listeners;
}

/** What counts those who subscribe to channels. */
export type Listeners = [ask: "NUMSUB" | "SHARDNUMSUB", channel: string, ...channels: string[]];

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
  /** The connections that carry what is sent; undefined where it stays in a stream until it is read. */
  readonly carriers: Carriers | undefined;
  /**
   * Returns a question that changes nothing, to come behind what was sent to a namespace, or by one of its channels. Its
   * answers carry the id. It concerns a room that nobody is in, so that no server looks at the data of a socket.
   */
  harmless(nsp: string, id: string, channel?: string): Command;
  /** Returns what a server needs to answer a question; the likely reason when none does. */
  needs(kind: Question["kind"]): string | undefined;
  /** Reports whether a request holds binary, which ends some servers. */
  endsServers(request: Command): boolean;
}

/** Connections that subscribe, as CLIENT LIST has them, which may be those of servers. */
export interface Carriers {
  /** What servers subscribe to. */
  field: "psub" | "ssub";
  /** On how many of them, for each namespace: on a Redis Cluster these are on several nodes. */
  least: number;
}

export function isAsking(adapter: Adapter): adapter is AskingAdapter {
  return "question" in adapter;
}

/** Returns the name of a room that nobody is in. It does not look like the id of a socket. */
export function nobody(): string {
  return `nobody-${randomBytes(16).toString("hex")}`;
}

/** What a server needs for an event that is for servers. */
export const needsHandler = "a handler for the event";
