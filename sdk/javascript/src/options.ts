import type { Adapter } from "./adapter.js";
import { Classic } from "./classic.js";
import { SioemitError } from "./errors.js";
import { checkText, kindOf, whole } from "./names.js";
import { Python } from "./python.js";
import { Sharded, type SubscriptionMode } from "./sharded.js";
import { Streams } from "./streams.js";

/** What the servers of the cluster have set, by upstream's names, and what the emitter does by itself. */
export interface EmitterOptions {
  /**
   * How the servers are joined: createAdapter (classic), createShardedAdapter, the streams adapter, or the Redis managers
   * of python-socketio and Flask-SocketIO. @default "classic"
   */
  adapter?: "classic" | "sharded" | "streams" | "python" | undefined;
  /** The major version of the servers' socket.io; other than 4 for the classic adapter only. @default 4 */
  serverVersion?: 1 | 2 | 3 | 4 | undefined;
  /** The classic adapter's option. @default "socket.io" */
  key?: string | undefined;
  /** "json" for servers that set a parser of JSON on the classic adapter. @default "msgpack" */
  codec?: "msgpack" | "json" | undefined;
  /** The sharded and the streams adapter's option. @default "socket.io" */
  channelPrefix?: string | undefined;
  /** The sharded adapter's option; with another one than the servers', events to one room reach nobody. @default "dynamic" */
  subscriptionMode?: SubscriptionMode | undefined;
  /** The streams adapter's option. @default "socket.io" */
  streamName?: string | undefined;
  /** The streams adapter's option. @default 1 */
  streamCount?: number | undefined;
  /** The streams adapter's option. @default 10000 */
  maxLen?: number | undefined;
  /** The streams adapter's option. @default false */
  useShardedPubSub?: boolean | undefined;
  /** The channel of the servers in Python; that of Flask-SocketIO is "flask-socketio". @default "socketio" */
  channel?: string | undefined;
  /**
   * Lets events for servers in Python hold binary. Where one client uses websocket, these servers disconnect those on HTTP
   * long-polling for it: it is for clients that all use the same transport. @default false
   */
  allowBinary?: boolean | undefined;
  /**
   * How many binary values the clients' parser takes in one event; by more they are disconnected. Infinity for parsers
   * without a limit: socket.io-parser before 4.2.6, 3.4.4 and 3.3.5. @default 10
   */
  maxAttachments?: number | undefined;
  /**
   * What socket ids look like on servers that make their own: before Socket.IO 4 for except, and in Python for all that
   * takes socket ids only.
   */
  socketIds?: RegExp | undefined;
  /**
   * Gets the error of each call whose promise nobody took. Without it, the first one of each reason becomes a warning of
   * the process.
   */
  onError?: ((error: SioemitError) => void) | undefined;
}

type Options = { [name in keyof EmitterOptions]: unknown };

/** The options of each adapter, beside those that all have. */
const optionsOf: Record<string, readonly string[]> = {
  classic: ["key", "codec", "serverVersion"],
  sharded: ["channelPrefix", "subscriptionMode"],
  streams: ["channelPrefix", "streamName", "streamCount", "maxLen", "useShardedPubSub"],
  python: ["channel", "allowBinary"],
};

const common: readonly string[] = ["adapter", "maxAttachments", "socketIds", "onError"];

export interface Settings {
  adapter: Adapter;
  serverVersion: number;
  /** What except takes; undefined: rooms. */
  socketIds: RegExp | undefined;
  onError: ((error: SioemitError) => void) | undefined;
}

export function readOptions(options: EmitterOptions): Settings {
  const given: Options = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
  const serverVersion = given.serverVersion ?? 4;
  if (serverVersion !== 1 && serverVersion !== 2 && serverVersion !== 3 && serverVersion !== 4) {
    throw new SioemitError("server-version", `serverVersion is 1, 2, 3 or 4, not ${show(serverVersion)}`);
  }
  const adapter = oneOf(given, "adapter", ["classic", "sharded", "streams", "python"]);
  checkNames(given, adapter, serverVersion);
  const { socketIds, onError } = given;
  if (socketIds !== undefined && !(socketIds instanceof RegExp)) {
    throw new SioemitError("adapter-option", `socketIds is a regular expression, not ${kindOf(socketIds)}`);
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw new SioemitError("adapter-option", `onError is a function, not ${kindOf(onError)}`);
  }
  const ids = whole(socketIds);
  return {
    adapter: newAdapter(adapter, given, serverVersion, ids),
    serverVersion,
    socketIds: serverVersion < 4 || adapter === "python" ? ids : undefined,
    onError: onError as Settings["onError"],
  };
}

/** Refuses options that the adapter does not have: each would be ignored without a word. */
function checkNames(given: Options, adapter: string, serverVersion: number): void {
  const known = optionsOf[adapter] ?? [];
  for (const [name, value] of Object.entries(given)) {
    if (value === null) {
      throw new SioemitError(
        "adapter-option",
        `the option ${name} is null; leave it out, or undefined, for the default`,
      );
    }
    if (known.includes(name) || common.includes(name) || (name === "serverVersion" && serverVersion === 4)) {
      continue;
    }
    if (name === "parser") {
      throw new SioemitError(
        "adapter-option",
        'there is no option parser; for servers with a parser of JSON, set codec: "json"',
      );
    }
    const owners = Object.keys(optionsOf).filter((other) => optionsOf[other]?.includes(name));
    throw new SioemitError(
      "adapter-option",
      owners.length === 0
        ? `there is no option ${name}`
        : `the option ${name} belongs to the adapter ${owners.join(" or ")}, and this one is ${adapter}`,
    );
  }
}

function newAdapter(adapter: string, given: Options, serverVersion: number, socketIds: RegExp): Adapter {
  const maxAttachments = wholeNumber(given, "maxAttachments", 10, 1);
  switch (adapter) {
    case "sharded":
      return new Sharded({
        channelPrefix: text(given, "channelPrefix"),
        subscriptionMode: oneOf(given, "subscriptionMode", ["dynamic", "dynamic-private", "static"]),
        maxAttachments,
      });
    case "streams":
      return new Streams({
        streamName: text(given, "streamName"),
        streamCount: wholeNumber(given, "streamCount", 1, 1),
        maxLen: wholeNumber(given, "maxLen", 10000, 1),
        channelPrefix: text(given, "channelPrefix"),
        useShardedPubSub: flag(given, "useShardedPubSub"),
        maxAttachments,
      });
    case "python":
      return new Python({
        channel: text(given, "channel", "socketio"),
        allowBinary: flag(given, "allowBinary"),
        maxAttachments,
        socketIds,
      });
    default:
      return new Classic({
        key: text(given, "key"),
        json: oneOf(given, "codec", ["msgpack", "json"]) === "json",
        serverVersion,
        maxAttachments,
      });
  }
}

/** Returns a choice; the first one is the default. */
function oneOf<T extends string>(given: Options, name: keyof EmitterOptions, choices: readonly [T, ...T[]]): T {
  const value = given[name] ?? choices[0];
  if (!choices.includes(value as T)) {
    throw new SioemitError("adapter-option", `${name} is one of ${choices.join(", ")}, not ${show(value)}`);
  }
  return value as T;
}

function text(given: Options, name: keyof EmitterOptions, otherwise = "socket.io"): string {
  const value = given[name] ?? otherwise;
  if (typeof value !== "string") {
    throw new SioemitError("adapter-option", `${name} is text, not ${show(value)}`);
  }
  checkText(name, value);
  return value || otherwise; // as upstream's key || "socket.io"
}

function wholeNumber(given: Options, name: keyof EmitterOptions, otherwise: number, least: number): number {
  const value = given[name] ?? otherwise;
  const unlimited = name === "maxAttachments" && value === Number.POSITIVE_INFINITY;
  if (typeof value !== "number" || !(unlimited || Number.isSafeInteger(value)) || value < least) {
    throw new SioemitError("adapter-option", `${name} is a whole number from ${least} on, not ${show(value)}`);
  }
  return value;
}

function flag(given: Options, name: keyof EmitterOptions): boolean {
  const value = given[name] ?? false;
  if (typeof value !== "boolean") {
    throw new SioemitError("adapter-option", `${name} is true or false, not ${show(value)}`);
  }
  return value;
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : kindOf(value);
}
