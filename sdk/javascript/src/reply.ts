import { Malformed, unpack } from "./unpack.js";

/** What a server answers. */
export interface Reply {
  kind: "sockets" | "rooms" | "ack" | "clientCount" | "serverSideEmit";
  /** Who answers; empty for servers of the classic adapter, which do not say. */
  uid: string;
  content: unknown;
}

/** The replies of adapters that extend ClusterAdapter: by the type of the message, what holds the content. */
const clusterReplies = new Map<unknown, [Reply["kind"], string]>([
  [8, ["sockets", "sockets"]],
  [10, ["serverSideEmit", "packet"]],
  [11, ["clientCount", "clientCount"]],
  [12, ["ack", "packet"]],
]);

/** The same for the classic adapter. */
const classicReplies = new Map<unknown, [Reply["kind"], string]>([
  [6, ["serverSideEmit", "data"]],
  [8, ["clientCount", "clientCount"]],
  [9, ["ack", "packet"]],
]);

type Members = Record<string, unknown>;

/**
 * Returns the reply that a message is, and the id of the question that it answers; undefined for any other message. It
 * throws TooCostly for one that is not to be decoded.
 */
export function readReply(message: Uint8Array): { id: string; reply: Reply } | undefined {
  let members: unknown;
  try {
    members = unpack(message);
  } catch (error) {
    if (error instanceof Malformed) {
      return undefined;
    }
    throw error;
  }
  if (!isObject(members)) {
    return undefined;
  }
  const { uid, requestId, data } = members;
  const sender = typeof uid === "string" ? uid : "";
  return requestId === undefined && isObject(data)
    ? replyOf(data.requestId, sender, contentOf(clusterReplies.get(members.type), data))
    : replyOf(requestId, sender, classicContent(members));
}

type Content = { kind: Reply["kind"]; content: unknown } | undefined;

function replyOf(id: unknown, uid: string, found: Content): { id: string; reply: Reply } | undefined {
  return typeof id === "string" && found !== undefined ? { id, reply: { uid, ...found } } : undefined;
}

function contentOf(where: [Reply["kind"], string] | undefined, members: Members): Content {
  return where && { kind: where[0], content: members[where[1]] ?? null };
}

function classicContent(members: Members): Content {
  if (members.type !== undefined) {
    const isRequest = members.uid !== undefined && members.type === 6;
    return isRequest ? undefined : contentOf(classicReplies.get(members.type), members);
  }
  const kind = (["sockets", "rooms"] as const).find((name) => (members[name] ?? null) !== null);
  return kind && contentOf([kind, kind], members);
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
