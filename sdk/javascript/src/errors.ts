/** Why a call was refused, or failed. */
export type Reason =
  /** Socket.IO emits this event itself; clients that got it from outside would drop their connection. */
  | "reserved-event"
  | "empty-event"
  /** The name of a room is empty, or there is none at all where one is due. */
  | "empty-room"
  /** Socket.IO before 4, and servers in Python, can leave out socket ids only, not rooms. */
  | "except-room"
  /** A name that no server can have: not text, or not valid Unicode. */
  | "invalid-text"
  /** A value that cannot travel, or that servers or clients would not survive. */
  | "unencodable"
  /** More than 1,000 levels of arrays and objects in one argument; for servers in Python more than 300. */
  | "too-deep"
  /** Binary where only JSON can go. */
  | "binary-in-json"
  /** The adapter takes no such option or value. */
  | "adapter-option"
  /** The server version is not 1, 2, 3 or 4. */
  | "server-version"
  /** Servers before Socket.IO 4 do not have this call. */
  | "needs-version-4"
  /** No server reads the stream of this namespace. */
  | "unread-stream"
  /** Servers in Python have no message for this call. */
  | "no-counterpart"
  /** The call goes to the servers of a namespace and takes no rooms. */
  | "targeted"
  /** What was given is no client of node-redis or ioredis. */
  | "client"
  /** The call needs an answer, which a pipeline has only after its end. */
  | "in-pipeline"
  /** The function of the pipeline has returned, and its emitter ended with it. */
  | "pipeline-ended"
  /** Redis, or the way there, failed. Any other reason means that nothing was sent. */
  | "redis";

interface Details {
  cause?: unknown;
  argument?: number | undefined;
}

/** What every call of this package throws or rejects with. */
export class SioemitError extends Error {
  override readonly name = "SioemitError";
  /** Why. With any other reason than "redis", nothing was sent. */
  readonly reason: Reason;
  /** Which argument is to blame, where one is: 0 is the first one after the event's name. */
  declare readonly argument?: number;

  constructor(reason: Reason, message: string, details: Details = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.reason = reason;
    if (details.argument !== undefined) {
      this.argument = details.argument;
    }
  }
}

/** Returns the error about an argument of an event. */
export function argumentError(
  reason: Reason,
  event: string,
  argument: number,
  why: string,
  details?: Details,
): SioemitError {
  return new SioemitError(reason, `argument ${argument + 1} of event "${event}": ${why}`, { ...details, argument });
}

/** Returns the message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
