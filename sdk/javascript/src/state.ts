import { performance } from "node:perf_hooks";
import type { Carriers } from "./adapter.js";
import { redisError } from "./client.js";
import { type Connection, type RedisNode, replyName } from "./connection.js";

/** What carries events from Redis to the servers, at one time: as long as it stays the same, nothing is lost on the way. */
export interface State {
  /** The nodes of Redis, by their run ids. */
  nodes: ReadonlyMap<string, NodeState>;
  /** Why servers may listen where nobody has looked, if they may. */
  unseen: string | undefined;
  /** How many servers listened on the namespace; 0 where nobody has counted. */
  servers: number;
}

interface NodeState {
  isMaster: boolean;
  /**
   * The connections that may be those of servers, with how long each has been there, in whole seconds. One that was cut
   * comes back as another one.
   */
  subscribers: ReadonlyMap<string, number>;
  /**
   * The connections of the cluster bus to other nodes, with the time at which each was made. What Redis passes on to a node
   * goes along one of them, in order, and is lost when it is cut.
   */
  links: ReadonlyMap<string, number>;
  /**
   * The slots of a Redis Cluster, with their masters, as this node knows them: the subscriptions to a shard channel end when
   * its slot moves, and not the connection. They are known where there are shard channels only.
   */
  slots: string;
  /** The time of Redis, in milliseconds, and the same by performance.now(), or a little later. */
  clock: number;
  seen: number;
}

/** Looks at all nodes. Where the events stay in Redis until they are read, there are no carriers. */
export async function look(connection: Connection, carriers: Carriers | undefined): Promise<State> {
  const { isCluster } = connection;
  const nodes = new Map<string, NodeState>();
  let isNodeOfCluster = false;
  let expected = 0;
  const lookAt = async (node: RedisNode) => {
    const ask = async (...words: string[]) => {
      try {
        return await node.call(words);
      } catch (error) {
        throw redisError(words.slice(0, 2).join(" "), error, connection);
      }
    };
    const info = String(await ask("INFO"));
    const isMaster = !isCluster || fieldOf(info, "role") === "master";
    const slots = isCluster && carriers?.field === "ssub" ? slotsIn(await ask("CLUSTER", "SLOTS")) : "";
    const links = isCluster && carriers ? linksIn(await ask("CLUSTER", "LINKS")) : new Map();
    const list = carriers ? String(await ask("CLIENT", "LIST", "TYPE", "pubsub")) : "";
    // Behind the ages, so that no connection is taken for older than it is.
    const [seconds, microseconds] = (await ask("TIME")) as unknown[];
    const clock = 1000 * Number(seconds) + Number(microseconds) / 1000;
    const subscribers = carriers ? subscribersIn(list, carriers, isCluster) : new Map();
    nodes.set(fieldOf(info, "run_id"), { isMaster, subscribers, links, slots, clock, seen: performance.now() });
    isNodeOfCluster ||= fieldOf(info, "redis_mode") === "cluster";
    expected += isMaster ? 1 + Number(fieldOf(info, "connected_slaves")) : 0;
  };
  await Promise.all((await connection.nodes()).map(lookAt));
  return { nodes, unseen: unseenOf(isCluster, isNodeOfCluster, expected > nodes.size), servers: 0 };
}

function unseenOf(isCluster: boolean, isNodeOfCluster: boolean, isMore: boolean): string | undefined {
  if (isNodeOfCluster && !isCluster) {
    return "this Redis is a node of a Redis Cluster, and its client does not show the others, on which servers may listen as well";
  }
  return isCluster && isMore
    ? "the client does not show the replicas of the Redis Cluster, on which servers may listen as well; with createCluster of node-redis, useReplicas shows them"
    : undefined;
}

/** Returns what INFO says of one thing. */
export function fieldOf(info: string, name: string): string {
  return info.match(new RegExp(`^${name}:(.*?)\\r?$`, "m"))?.[1] ?? "";
}

/** Returns the members of an answer, which is a list of names and values before RESP 3. */
function membersOf(answer: unknown): Map<string, unknown> {
  if (answer instanceof Map) {
    return answer;
  }
  if (!Array.isArray(answer)) {
    return new Map(Object.entries(answer as object));
  }
  const members = new Map<string, unknown>();
  for (let i = 0; i + 1 < answer.length; i += 2) {
    members.set(String(answer[i]), answer[i + 1]);
  }
  return members;
}

function linksIn(answer: unknown): Map<string, number> {
  const links = new Map<string, number>();
  for (const link of (answer as unknown[]).map(membersOf)) {
    if (String(link.get("direction")) === "to") {
      links.set(String(link.get("node")), Number(link.get("create-time")));
    }
  }
  return links;
}

function slotsIn(answer: unknown): string {
  type Range = [from: unknown, to: unknown, master?: [host: unknown, port: unknown, id: unknown]];
  const ranges = (answer as Range[]).map(([from, to, master]) => `${from}-${to} ${master?.[2]}`);
  return ranges.join("\n");
}

/**
 * Reads CLIENT LIST. Programs that use go-redis are no Socket.IO servers, and neither are the connections for replies of the
 * emitters in other languages: they come and go as somebody asks and waits for answers.
 */
export function subscribersIn(list: string, { field, least }: Carriers, isCluster: boolean): Map<string, number> {
  const subscribers = new Map<string, number>();
  for (const line of list.split("\n")) {
    const fields = new Map<string, string>();
    for (const word of line.split(" ")) {
      const at = word.indexOf("=");
      fields.set(word.slice(0, at), word.slice(at + 1));
    }
    const count = Number(fields.get(field) ?? least); // the first versions of Redis 7 do not say
    const isServer = fields.get("name") !== replyName && !fields.get("lib-name")?.startsWith("go-redis");
    const id = fields.get("id");
    if (id !== undefined && count >= (isCluster ? 1 : least) && isServer) {
      subscribers.set(`${id} ${fields.get("addr")} ${fields.get("laddr")}`, Number(fields.get("age") ?? 0));
    }
  }
  return subscribers;
}

/**
 * Says what may have been lost on the way between two states, and nothing when that is nothing. IsMissed says that a server
 * was cut off before, and is not known to be back. Since is when the first of it was sent.
 */
export function interrupted(
  before: State | undefined,
  after: State,
  since: number | undefined,
  isMissed: boolean,
): string | undefined {
  return before === undefined
    ? younger(after, since)
    : (changed(before, after) ?? replaced(before, after, since, isMissed));
}

/** Says what has become of the nodes and of what links them. */
function changed(before: State, after: State): string | undefined {
  for (const [name, was] of before.nodes) {
    const is = after.nodes.get(name);
    if (is === undefined) {
      return "a Redis node has gone, or was started again";
    }
    if (was.isMaster && !is.isMaster) {
      return "a Redis node is no longer a master";
    }
    if (was.slots !== is.slots) {
      return "a slot of the Redis Cluster was moved";
    }
    if (was.isMaster && [...was.links].some(([peer, made]) => is.links.get(peer) !== made)) {
      return "a link of the Redis Cluster's bus was cut";
    }
  }
  const isNew = [...after.nodes].some(([name, { isMaster }]) => isMaster && !before.nodes.get(name)?.isMaster);
  return isNew ? "a Redis node has become a master" : undefined;
}

/** Says what has become of the subscribers. */
function replaced(before: State, after: State, since: number | undefined, isMissed: boolean): string | undefined {
  const gone = subscribersBeside(before, after).length;
  const came = subscribersBeside(after, before).some(([node, age]) => !isOlder(node, age, since));
  if (gone === 0) {
    return came && isMissed ? "a server that was cut off may have come back after the first event" : undefined;
  }
  if (!came && before.servers > 0 && after.servers >= before.servers) {
    // As many servers as before, and all of them have been there since before the first event: what has gone was none of
    // them, or went before that.
    return;
  }
  return gone === 1
    ? "a subscriber's connection to Redis was cut"
    : `${gone} subscribers' connections to Redis were cut`;
}

/** Returns the subscribers of a state that another one does not have, each with its node and its age. */
function subscribersBeside(state: State, other: State): [node: NodeState, age: number][] {
  return [...state.nodes].flatMap(([name, node]) => {
    const known = other.nodes.get(name)?.subscribers;
    const unknown = [...node.subscribers].filter(([connection]) => !known?.has(connection));
    return unknown.map(([, age]): [NodeState, number] => [node, age]);
  });
}

/** Says which part of a state may not have been there at a time. */
function younger({ nodes }: State, since: number | undefined): string | undefined {
  if (since === undefined) {
    return; // of nothing
  }
  const all = [...nodes.values()];
  if (all.some((node) => [...node.subscribers.values()].some((age) => !isOlder(node, age, since)))) {
    return "a subscriber connected to Redis at about the time of the first event, or after it";
  }
  const isLinkNew = (node: NodeState) => [...node.links.values()].some((made) => made >= then(node, since));
  return all.some((node) => node.isMaster && isLinkNew(node))
    ? "a link of the Redis Cluster's bus was made after the first event"
    : undefined;
}

/** Reports whether a connection of this age, in whole seconds of the clock of Redis, was there at a time. */
function isOlder(node: NodeState, age: number, since: number | undefined): boolean {
  if (since === undefined) {
    return false;
  }
  const connected = Math.floor(node.clock / 1000) - age; // or up to a second later
  return 1000 * (connected + 1) <= then(node, since);
}

/** Returns a time of performance.now() by the clock of Redis, or a little before it. */
function then({ clock, seen }: NodeState, here: number): number {
  return clock - (seen - here);
}
