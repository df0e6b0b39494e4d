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

/** How the servers of a cluster are joined. */
export interface Adapter {
  /** Returns the command that sends an event to clients. */
  broadcast(target: Target, event: string, args: readonly unknown[]): Command;
  /** Returns the command that sends a request to the servers. */
  request(target: Target, request: Request): Command;
  /** Returns the PUBSUB command and the channel to which each server of the namespace subscribes once. */
  listeners(nsp: string): ["NUMSUB" | "SHARDNUMSUB", string];
}
