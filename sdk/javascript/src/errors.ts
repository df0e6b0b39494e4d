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
  | "pipelined"
  /** The function of the pipeline has returned, and its emitter ended with it. */
  | "pipeline-ended"
  /** No server listens on the namespace: nobody was asked. */
  | "no-servers"
  /** Time ran out, or the signal was aborted, before every answer came: it is an IncompleteError, with those that did. */
  | "incomplete"
  /** All servers have answered, and it is not certain that they have taken everything: it is an UnconfirmedError. */
  | "unconfirmed"
  /** The signal was aborted before anything was asked. */
  | "aborted"
  /** The time of timeout, or what was given to signal, cannot be. */
  | "timeout"
  /** The connection for replies broke, or did not come about in time. The question may have been asked. */
  | "subscription"
  /** The connection broke while the question was on its way. Nobody knows whether servers have got it. */
  | "maybe-asked"
  /** The emitter has been closed. */
  | "closed"
  /** Redis, or the way there, failed; something may have been sent. */
  | "redis";

interface Details {
  cause?: unknown;
  argument?: number | undefined;
}

/** What every call of this package throws or rejects with. */
export class SioemitError extends Error {
  override readonly name: string = "SioemitError";
  /** Why. Only with "redis", "incomplete", "subscription", "maybe-asked" and "closed" may something have been sent. */
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

/** How many answers came, and of how many. */
export interface Missing {
  /** How many servers answered. */
  servers: number;
  /** How many servers were asked. */
  asked: number;
  /** How many clients acknowledged; of emitWithAck only. */
  clients: number;
  /** How many clients the servers expect to acknowledge; of emitWithAck only. */
  expected: number;
  /** How many answers could not be read. */
  unread: number;
}

/** What an IncompleteError is made of. */
interface Made<Partial> extends Missing {
  call: string;
  needs: string | undefined;
  partial: Partial;
  /** Why no more answers are waited for. */
  ending: string;
}

/** Not all answers came before time ran out, or the signal was aborted; then its reason is the cause. */
export class IncompleteError<Partial = unknown> extends SioemitError implements Missing {
  override readonly name = "IncompleteError";
  /** The method that was called. */
  readonly call: string;
  readonly servers: number;
  readonly asked: number;
  readonly clients: number;
  readonly expected: number;
  readonly unread: number;
  /** What a server needs to answer; set when none did, as the likely reason. */
  readonly needs: string | undefined;
  /** What did come, in the form that the call returns. */
  readonly partial: Partial;

  /** @internal */
  constructor(made: Made<Partial>, { cause }: { cause: unknown }) {
    const { call, servers, asked, clients, expected, unread, needs, partial, ending } = made;
    const parts = [`${call}: ${servers} of ${asked} servers answered`];
    if (expected > 0) {
      parts.push(`, and ${clients} of ${expected} clients`);
    }
    if (unread > 0) {
      parts.push(`; ${unread} more could not be read`);
    }
    if (needs !== undefined) {
      parts.push(`; servers answer it with ${needs}`);
    }
    super("incomplete", `${parts.join("")}: ${ending}`, cause === undefined ? {} : { cause });
    this.call = call;
    this.servers = servers;
    this.asked = asked;
    this.clients = clients;
    this.expected = expected;
    this.unread = unread;
    this.needs = needs;
    this.partial = partial;
  }
}

/**
 * All servers have answered a confirm, and it is not certain all the same that they have taken everything: a server's
 * connection to Redis was cut, and may have come back without what was on its way; a Redis, or a link between two, was
 * replaced; a stream was trimmed before it was read; or Redis does not let this user look. The message says which. The next
 * confirm begins anew.
 */
export class UnconfirmedError extends SioemitError {
  override readonly name = "UnconfirmedError";
  /** How many servers answered. */
  readonly servers: number;

  /** @internal */
  constructor(call: string, why: string, servers: number, { cause }: { cause?: unknown }) {
    const message = `${call}: whether the servers have taken everything cannot be known: ${why}`;
    super("unconfirmed", message, cause === undefined ? {} : { cause });
    this.servers = servers;
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
