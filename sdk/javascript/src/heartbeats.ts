import { setTimeout as pause } from "node:timers/promises";
import { type Command, nobody, uid } from "./adapter.js";
import { unanswered } from "./ask.js";
import { redisError } from "./client.js";
import { type Connection, orAborted, type RedisNode } from "./connection.js";
import { type Deadline, Ended } from "./deadline.js";
import { UnconfirmedError } from "./errors.js";
import { compareIds, millisecondsOf } from "./span.js";
import type { Streams } from "./streams.js";

/*
 * Servers of the streams adapter before 0.3 subscribe to nothing, and answer by an entry. They add a heartbeat when they have
 * added nothing else for five seconds, and take one who is silent for ten for gone.
 */

const silence = 11_000; // milliseconds
const pageSize = 500; // entries

/** How these servers name themselves. */
const serverUid = /^[0-9a-f]{16}$/;

/** The types of their messages. */
const socketsType = "8";
const closeType = "13";

/** What of an entry is of use. */
interface Entry {
  id: string;
  uid: string;
  nsp: string;
  type: string;
  data: string;
}

/** The servers of a namespace that have been heard until an entry, with when that was, by the clock of Redis. */
interface Heard {
  until: string;
  servers: ReadonlyMap<string, number>;
}

/** Finds and asks the servers that nothing but their entries in a stream shows. */
export class Heartbeats {
  readonly #adapter: Streams;
  readonly #connection: Connection;
  /** By namespace. */
  readonly #heard = new Map<string, Heard>();

  constructor(adapter: Streams, connection: Connection) {
    this.#adapter = adapter;
    this.#connection = connection;
  }

  /** Asks the servers of a namespace, and returns how many answered: 0 where there are none. */
  async ask(call: string, nsp: string, deadline: Deadline): Promise<number> {
    const stream = this.#adapter.stream(nsp);
    const heard = await deadline.before(this.#listen(call, nsp, deadline));
    if (heard.size === 0) {
      return 0;
    }
    const id = nobody(); // which no other question has
    const answered = new Set<string>();
    let question: string;
    try {
      question = String(await orAborted(this.#send(this.#adapter.harmless(nsp, id)), deadline.signal));
      await this.#collect(stream, question, deadline, (entry) => {
        if (entry.type === socketsType && entry.data.includes(id) && serverUid.test(entry.uid)) {
          answered.add(entry.uid);
        }
        return [...heard.keys()].every((server) => answered.has(server));
      });
    } catch (error) {
      if (!(error instanceof Ended)) {
        throw error;
      }
      throw unanswered(call, answered.size, new Set([...heard.keys(), ...answered]).size, error);
    }
    const now = millisecondsOf(question);
    this.#heard.set(nsp, { until: question, servers: new Map([...answered].map((server) => [server, now])) });
    return answered.size;
  }

  /** Hands all entries behind one to a function, until that is content. */
  async #collect(stream: string, start: string, { signal }: Deadline, take: (entry: Entry) => boolean): Promise<void> {
    let at = start;
    for (let wait = 1; ; wait = Math.min(2 * wait, 50)) {
      const entries = await orAborted(this.#entries(["XRANGE", stream, `(${at}`, "+", "COUNT", `${pageSize}`]), signal);
      for (const entry of entries) {
        at = entry.id;
        if (take(entry)) {
          return;
        }
      }
      if (entries.length > 0) {
        wait = 1;
      } else {
        await orAborted(pause(wait), signal);
      }
    }
  }

  /** Returns the servers that have been heard in the last seconds, with when that was. */
  async #listen(call: string, nsp: string, { signal }: Deadline): Promise<Map<string, number>> {
    const stream = this.#adapter.stream(nsp);
    const now = await orAborted(this.#now(), signal);
    const since = Math.floor(now - silence);
    const last = this.#heard.get(nsp);
    const goesOn = last !== undefined && millisecondsOf(last.until) > since;
    const from = goesOn ? last.until : `${since}-0`;
    const heard = new Map(goesOn ? [...last.servers].filter(([, at]) => at >= since) : []);
    for (let start = from; ; ) {
      const entries = await orAborted(this.#entries(["XRANGE", stream, start, "+", "COUNT", `${pageSize}`]), signal);
      for (const entry of entries) {
        note(heard, entry, nsp);
      }
      if (entries.length < pageSize) {
        break;
      }
      start = `(${entries.at(-1)?.id}`;
    }
    const held = heard.size > 0 ? await orAborted(this.#held(stream, from, now), signal) : undefined;
    if (held !== undefined) {
      const why = `the stream holds no more than the last ${held} ms, in which a server may have said nothing`;
      throw new UnconfirmedError(call, why, 0, {});
    }
    return heard;
  }

  /** Returns how many milliseconds the stream holds, where it has lost what came behind an entry: that has not been heard. */
  async #held(stream: string, from: string, now: number): Promise<number | undefined> {
    const [oldest] = await this.#entries(["XRANGE", stream, "-", "+", "COUNT", "1"]);
    if (oldest === undefined || compareIds(oldest.id, from) <= 0) {
      return;
    }
    const length = Number(await this.#send(["XLEN", stream]));
    return length >= this.#adapter.maxLen ? Math.round(now - millisecondsOf(oldest.id)) : undefined;
  }

  /** Returns the time of Redis, in milliseconds. */
  async #now(): Promise<number> {
    try {
      const [node] = (await this.#connection.nodes()) as [RedisNode];
      const [seconds, microseconds] = (await node.call(["TIME"])) as unknown[];
      return 1000 * Number(seconds) + Number(microseconds) / 1000;
    } catch (error) {
      throw redisError("TIME", error, this.#connection);
    }
  }

  async #entries(command: Command): Promise<Entry[]> {
    const entries = (await this.#send(command)) as [id: unknown, fields: unknown[]][];
    return entries.map(([id, fields]) => {
      const members = new Map<string, string>();
      for (let i = 0; i + 1 < fields.length; i += 2) {
        members.set(String(fields[i]), String(fields[i + 1]));
      }
      const text = (name: string) => members.get(name) ?? "";
      return { id: String(id), uid: text("uid"), nsp: text("nsp"), type: text("type"), data: text("data") };
    });
  }

  async #send(command: Command): Promise<unknown> {
    try {
      return await this.#connection.send(command);
    } catch (error) {
      throw redisError(command[0], error, this.#connection);
    }
  }
}

function note(heard: Map<string, number>, entry: Entry, nsp: string): void {
  if (entry.nsp !== nsp || entry.uid === uid || !serverUid.test(entry.uid)) {
    return;
  }
  if (entry.type === closeType) {
    heard.delete(entry.uid);
  } else {
    heard.set(entry.uid, millisecondsOf(entry.id));
  }
}
