import type { Connection } from "./connection.js";
import { messageOf, type Reason, SioemitError } from "./errors.js";
import { isIORedis, newIORedis } from "./ioredis.js";
import { kindOf } from "./names.js";
import { isNodeRedis, newNodeRedis } from "./node-redis.js";

/**
 * A client of node-redis 5 or 6 (createClient, createCluster, createSentinel, createClientPool) or ioredis 5 (Redis,
 * Cluster). It stays its owner's: nothing here opens, closes or configures it.
 */
export type RedisClient =
  | { sendCommand: (...args: never[]) => unknown; multi: (...args: never[]) => unknown }
  | { call: (...args: never[]) => unknown; pipeline: (...args: never[]) => unknown };

/** Finds out, once, what a client is. */
export function connect(client: unknown): Connection {
  if (isIORedis(client)) {
    return newIORedis(client);
  }
  if (isNodeRedis(client)) {
    return newNodeRedis(client);
  }
  throw new SioemitError("client", `an Emitter takes a client of node-redis or ioredis, not ${kindOf(client)}`);
}

/**
 * Returns an error of Redis, or of the way there, as one of this package. Redis repeats the words of a command that it
 * does not know, and where that is AUTH or HELLO, they are a password: then neither the text nor the cause is kept.
 */
export function redisError(
  what: string,
  error: unknown,
  connection: Connection,
  reason: Reason = "redis",
): SioemitError {
  const original = messageOf(error);
  const text = original.replace(/,? with args beginning with.*$/s, "");
  if (speaksOfPassword(error, text)) {
    return new SioemitError(reason, `${what}: Redis refused the AUTH or HELLO of the client`);
  }
  const hint =
    !connection.isCluster && /^(?:MOVED|ASK) /.test(text)
      ? ": this Redis is a node of a Redis Cluster, which takes createCluster of node-redis or Cluster of ioredis"
      : "";
  return new SioemitError(reason, `${what}: ${text}${hint}`, text === original ? { cause: error } : {});
}

/** Reports whether an error, or one that it carries, is about a command that holds a password. */
function speaksOfPassword(error: unknown, text = messageOf(error)): boolean {
  // NOPERM repeats the name of a command, or of a channel, but no arguments.
  if (/\b(?:auth|hello)\b/i.test(text) && !text.startsWith("NOPERM ")) {
    return true;
  }
  // ioredis notes the words of the command in its errors.
  const { command, lastNodeError, cause } = Object(error) as Record<string, unknown>;
  const { name } = Object(command) as { name?: unknown };
  return (
    /^(?:auth|hello)$/i.test(String(name)) ||
    (lastNodeError !== undefined && speaksOfPassword(lastNodeError)) ||
    (cause !== undefined && cause !== error && speaksOfPassword(cause))
  );
}
