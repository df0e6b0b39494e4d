import type { Missing } from "./errors.js";
import type { Room } from "./names.js";
import type { Reply } from "./reply.js";

/** The acknowledgements of one event. */
export interface Acks<Value = unknown> {
  /** What the clients answered, in the order of arrival: their first argument, null when there was none. */
  values: Value[];
  /** How many clients the servers sent the event to. */
  clients: number;
  /** The same for each server that said so. */
  perServer: number[];
  /** How many servers were asked. */
  servers: number;
}

/** A connected client, as its server describes it. */
// biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
export interface Socket<Data = any> {
  id: string;
  /** Its rooms, its own id among them. A number is the room of the server's join(5). */
  rooms: Room[];
  /** What the server has stored in socket.data. */
  data: Data;
  /** How it connected. It holds the client's cookies and tokens: do not log it. */
  handshake: Handshake;
}

/** How a client connected. */
export interface Handshake {
  headers: Record<string, string | string[] | undefined>;
  time: string;
  address: string;
  xdomain: boolean;
  secure: boolean;
  /** Milliseconds since 1970. */
  issued: number;
  url: string;
  query: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
  auth: Record<string, any>;
}

/** Takes the answers to one question. */
export interface Collector<Result> {
  /** Takes an answer, if it is of use, and returns false when it cannot be read. */
  add(reply: Reply): boolean;
  /** Whether those of so many servers are all there. */
  isComplete(asked: number): boolean;
  /** What came so far. */
  result(asked: number): Result;
  missing(asked: number): Pick<Missing, "servers" | "clients" | "expected"> & { asked?: number };
}

/**
 * Servers that have answered, by their uids. Those of the classic adapter do not say who they are, so that a second
 * answer of one counts as that of another.
 */
class Servers {
  readonly #known = new Set<string>();

  has(uid: string): boolean {
    return this.#known.has(uid);
  }

  add(uid: string): void {
    if (uid !== "") {
      this.#known.add(uid);
    }
  }
}

/** The most clients that one server can have. */
const mostClients = 2 ** 31 - 1;

/** Waits for each server's number of clients, and for as many acknowledgements, which may overtake the number. */
export class AckCollector implements Collector<Acks> {
  readonly #values: unknown[] = [];
  readonly #perServer: number[] = [];
  readonly #seen = new Servers();
  #clients = 0;

  add({ kind, uid, content }: Reply): boolean {
    if (kind === "ack") {
      this.#values.push(content);
    } else if (kind === "clientCount" && !this.#seen.has(uid)) {
      if (!Number.isInteger(content) || (content as number) < 0 || (content as number) > mostClients) {
        return false;
      }
      this.#seen.add(uid);
      this.#perServer.push(content as number);
      this.#clients += content as number;
    }
    return true;
  }

  isComplete(asked: number): boolean {
    return this.#perServer.length >= asked && this.#values.length >= this.#clients;
  }

  result(asked: number): Acks {
    return { values: this.#values, clients: this.#clients, perServer: this.#perServer, servers: asked };
  }

  missing(): ReturnType<Collector<Acks>["missing"]> {
    return { servers: this.#perServer.length, clients: this.#values.length, expected: this.#clients };
  }
}

/** Waits like that in place of another call, of which nothing has come so far. */
export class ProbeCollector extends AckCollector implements Collector<unknown> {
  readonly #result: (asked: number) => unknown;

  constructor(result: (asked: number) => unknown) {
    super();
    this.#result = result;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the result of the other call
  override result(asked: number): any {
    return this.#result(asked);
  }
}

/** Waits for the answer of each server. */
export class ServerSideCollector implements Collector<unknown[]> {
  readonly #values: unknown[] = [];
  readonly #seen = new Servers();

  add({ kind, uid, content }: Reply): boolean {
    if (kind === "serverSideEmit" && !this.#seen.has(uid)) {
      this.#seen.add(uid);
      this.#values.push(content);
    }
    return true;
  }

  isComplete(asked: number): boolean {
    return this.#values.length >= asked;
  }

  result(): unknown[] {
    return this.#values;
  }

  missing(): ReturnType<Collector<unknown>["missing"]> {
    return { servers: this.#values.length, clients: 0, expected: 0 };
  }
}

/** How the uid of a sioemit begins that only listens, and answers as a server would. */
const listenerUid = "listen-";

/** Counts the servers that answer, whatever they say. */
export class PresenceCollector implements Collector<number> {
  readonly #seen = new Servers();
  #servers = 0;
  #listeners = 0;

  add({ kind, uid }: Reply): boolean {
    if (kind === "sockets" && !this.#seen.has(uid)) {
      this.#seen.add(uid);
      if (uid.startsWith(listenerUid)) {
        this.#listeners++;
      } else {
        this.#servers++;
      }
    }
    return true;
  }

  isComplete(asked: number): boolean {
    return this.#servers + this.#listeners >= asked;
  }

  result(): number {
    return this.#servers;
  }

  missing(asked: number): ReturnType<Collector<unknown>["missing"]> {
    return { servers: this.#servers, asked: asked - this.#listeners, clients: 0, expected: 0 };
  }
}

/** Waits for the sockets of each server. */
export class SocketCollector implements Collector<Socket[]> {
  readonly #sockets = new Map<string, Socket>();
  readonly #seen = new Servers();
  #answered = 0;

  add({ kind, uid, content }: Reply): boolean {
    if (kind !== "sockets" || this.#seen.has(uid)) {
      return true;
    }
    if (!(Array.isArray(content) && content.every(isSocket))) {
      return false;
    }
    this.#seen.add(uid);
    const before = this.#sockets.size;
    for (const { id, rooms, data = null, handshake } of content) {
      if (!this.#sockets.has(id)) {
        this.#sockets.set(id, { id, rooms: roomsOf(rooms), data, handshake });
      }
    }
    // An answer that names known sockets only came twice: no two servers have the same socket.
    if (this.#sockets.size > before || content.length === 0) {
      this.#answered++;
    }
    return true;
  }

  isComplete(asked: number): boolean {
    return this.#answered >= asked;
  }

  result(): Socket[] {
    return [...this.#sockets.values()];
  }

  missing(): ReturnType<Collector<unknown>["missing"]> {
    return { servers: this.#answered, clients: 0, expected: 0 };
  }
}

function isSocket(value: unknown): value is Socket {
  const { id } = Object(value) as { id?: unknown };
  return typeof id === "string" && id !== "";
}

/** Leaves out what is neither text nor a number: a server can join(undefined). */
function roomsOf(list: unknown): Room[] {
  return Array.isArray(list) ? list.filter((room) => typeof room === "string" || typeof room === "number") : [];
}

/** Waits for the sockets of each server, for the names of their rooms. */
export class SocketRoomCollector extends SocketCollector implements Collector<unknown> {
  // biome-ignore lint/suspicious/noExplicitAny: other results of the same answers
  override result(): any[] {
    return namesOf(super.result().flatMap(({ rooms }) => rooms));
  }
}

/** Waits for the rooms of each server of the classic adapter. */
export class RoomCollector implements Collector<string[]> {
  readonly #rooms: Room[] = [];
  /** The answers that name rooms, as text. */
  readonly #answers = new Set<string>();
  #answered = 0;

  add({ kind, content }: Reply): boolean {
    if (kind !== "rooms") {
      return true;
    }
    if (!Array.isArray(content)) {
      return false;
    }
    const rooms = roomsOf(content);
    const text = JSON.stringify(rooms);
    // One that names the same rooms as another came twice: each server has the ids of its sockets among them.
    if (rooms.length > 0 && this.#answers.has(text)) {
      return true;
    }
    this.#answers.add(text);
    this.#rooms.push(...rooms);
    this.#answered++;
    return true;
  }

  isComplete(asked: number): boolean {
    return this.#answered >= asked;
  }

  result(): string[] {
    return namesOf(this.#rooms);
  }

  missing(): ReturnType<Collector<unknown>["missing"]> {
    return { servers: this.#answered, clients: 0, expected: 0 };
  }
}

/** Returns the rooms that are text, sorted, each of them once. */
function namesOf(rooms: readonly Room[]): string[] {
  return [...new Set(rooms.filter((room) => typeof room === "string"))].sort();
}
