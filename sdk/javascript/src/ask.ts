import { randomBytes } from "node:crypto";
import { clearTimeout, setTimeout } from "node:timers";
import type { AskingAdapter, Command, Question } from "./adapter.js";
import { redisError } from "./client.js";
import { type Collector, ProbeCollector } from "./collectors.js";
import { type Connection, Doubt, orAborted } from "./connection.js";
import { IncompleteError, SioemitError } from "./errors.js";
import type { Receiver, Wait } from "./receiver.js";
import { everyone, Target } from "./target.js";

/** How long a call waits for answers, unless timeout says otherwise, in milliseconds. */
export const defaultTimeout = 5000;

/** How long a call waits for answers, and what ends it before. */
export interface Patience {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** A call that has to wait for answers. */
export interface CallOnly {
  name: string;
  target: Target;
  patience: Patience;
}

/** A call with the question that it asks. */
export interface Call<T> extends CallOnly {
  question: Question;
  /** Makes what takes the answers: each attempt has its own. */
  collector: () => Collector<T>;
}

/** Why a call is not waited for any longer. */
class Ended extends Error {}

/** When a call ends at the latest. */
class Deadline {
  readonly #at: number;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #userSignal: AbortSignal | undefined;
  readonly #abort: () => void;

  constructor(patience: Patience) {
    this.#userSignal = patience.signal;
    this.#at = Date.now() + patience.timeout;
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Ended(`time ran out after ${patience.timeout} ms`));
    }, patience.timeout);
    this.#abort = () => this.#controller.abort(new Ended("aborted", { cause: patience.signal?.reason }));
    patience.signal?.addEventListener("abort", this.#abort);
    if (patience.signal?.aborted) {
      this.#abort();
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** How many milliseconds are left. */
  get left(): number {
    return Math.max(1, this.#at - Date.now());
  }

  /** Leaves nothing behind: a question that still waits for the client must not be written any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#userSignal?.removeEventListener("abort", this.#abort);
    this.#controller.abort(new Ended("it is over"));
  }
}

/** How often a question is asked that changes nothing. */
const maxAttempts = 4;

/** Asks the servers of the namespaces, through one adapter. */
export class Asker {
  readonly #adapter: AskingAdapter;
  readonly #connection: Connection;
  readonly #receiver: Receiver;
  readonly #serverCount: (nsp: string) => Promise<number>;

  constructor(
    adapter: AskingAdapter,
    connection: Connection,
    receiver: Receiver,
    serverCount: (nsp: string) => Promise<number>,
  ) {
    this.#adapter = adapter;
    this.#connection = connection;
    this.#receiver = receiver;
    this.#serverCount = serverCount;
  }

  /**
   * Asks a question, and waits for the answers of all servers that listen. The connection for replies has subscribed by
   * then. With binary, it first makes sure that the servers can read it.
   */
  async ask<T>(call: Call<T>): Promise<T> {
    this.#receiver.check();
    // Shows what cannot be sent, before anything is.
    const sample = this.#command(call, "", call.patience.timeout);
    const deadline = new Deadline(call.patience);
    try {
      if (this.#adapter.endsServers(sample)) {
        await this.#probe(call, deadline, (asked) => call.collector().result(asked));
      }
      return await this.#askUntil(call, deadline);
    } finally {
      deadline.end();
    }
  }

  /** Makes sure that all servers, if there are any, can read a request with binary, before it is sent. */
  async checkReadsBinary(call: CallOnly): Promise<void> {
    this.#receiver.check();
    const deadline = new Deadline(call.patience);
    try {
      await this.#probe(call, deadline, () => undefined);
    } catch (error) {
      if (!(error instanceof SioemitError && error.reason === "no-servers")) {
        throw error;
      }
    } finally {
      deadline.end();
    }
  }

  /**
   * Adapters that read requests with binary are those that know events with acknowledgement. So the servers are asked to
   * send one to a room that nobody is in. When they do not answer, what came of the call itself is nothing.
   */
  async #probe(
    { name, target, patience }: CallOnly,
    deadline: Deadline,
    nothing: (asked: number) => unknown,
  ): Promise<void> {
    const nobody = `nobody-${randomBytes(16).toString("hex")}`;
    try {
      await this.#askUntil(
        {
          name,
          target: new Target(everyone(target.frame.nsp).frame, [nobody]),
          patience,
          question: { kind: "emitWithAck", event: "probe", args: [] },
          collector: () => new ProbeCollector(nothing),
        },
        deadline,
      );
    } catch (error) {
      if (error instanceof SioemitError && error.reason !== "no-servers") {
        error.message += "; the binary was not sent, because it is not certain that all servers can read it";
      }
      throw error;
    }
  }

  #command(call: Call<unknown>, id: string, timeout: number): Command {
    return this.#adapter.question(call.target, call.question, id, Math.ceil(timeout));
  }

  async #askUntil<T>(call: Call<T>, deadline: Deadline): Promise<T> {
    const { nsp } = call.target.frame;
    const { signal } = deadline;
    if (signal.aborted) {
      throw unasked(signal.reason, "redis");
    }
    const asked = await this.#before(orAborted(this.#serverCount(nsp), signal), "redis");
    if (asked === 0) {
      throw new SioemitError("no-servers", `${call.name}: no server listens on the namespace ${nsp}`);
    }
    const channels = this.#adapter.replyChannels(nsp);
    const wait = await this.#before(this.#receiver.wait(channels, signal), "subscription");
    try {
      for (let attempt = 1; ; attempt++) {
        const answers = new Answers(call, asked, wait);
        const command = this.#command(call, answers.id, deadline.left);
        const doubt = await this.#send(command, wait, deadline);
        if (doubt === undefined) {
          return await this.#answered(call, answers, wait, deadline);
        }
        const changesNothing = call.question.kind === "fetchSockets" || call.question.kind === "rooms";
        if (!changesNothing || attempt === maxAttempts || signal.aborted) {
          throw redisError(`${call.name}: nobody knows whether it was asked`, doubt, this.#connection, "maybe-asked");
        }
      }
    } finally {
      wait.release();
    }
  }

  /** Waits for something that has to be done before the question is asked. */
  async #before<T>(step: Promise<T>, reason: "redis" | "subscription"): Promise<T> {
    try {
      return await step;
    } catch (error) {
      if (!(error instanceof Ended)) {
        throw error;
      }
      throw unasked(error, reason);
    }
  }

  /** Sends a question, and returns why nobody knows whether that was done; undefined when it was. */
  async #send(command: Command, wait: Wait, deadline: Deadline): Promise<unknown> {
    try {
      await Promise.race([this.#connection.ask(command, deadline.signal), wait.lost]);
      return undefined;
    } catch (error) {
      if (error instanceof Doubt) {
        return error.cause;
      }
      if (error instanceof SioemitError) {
        throw error; // the connection for replies was lost
      }
      if (deadline.signal.aborted) {
        return await this.#before(Promise.reject(deadline.signal.reason), "redis");
      }
      throw redisError(command[0], error, this.#connection);
    }
  }

  async #answered<T>(call: Call<T>, answers: Answers<T>, wait: Wait, deadline: Deadline): Promise<T> {
    try {
      await Promise.race([orAborted(answers.complete, deadline.signal), wait.lost]);
      return answers.result();
    } catch (error) {
      if (!(error instanceof Ended)) {
        throw error;
      }
      throw this.#incomplete(call, answers, error);
    }
  }

  #incomplete<T>({ name: call, question }: Call<T>, answers: Answers<T>, ended: Ended): IncompleteError<T> {
    const missing = answers.missing();
    const needs = missing.servers === 0 ? this.#adapter.needs(question.kind) : undefined;
    const { message: ending, cause } = ended;
    return new IncompleteError({ call, ...missing, needs, partial: answers.result(), ending }, { cause });
  }
}

/** Returns the error of a call that ended before it had asked anything. */
function unasked({ message, cause }: Ended, reason: "redis" | "subscription"): SioemitError {
  if (cause !== undefined) {
    return new SioemitError("aborted", "aborted before anything was asked", { cause });
  }
  const what = reason === "redis" ? "Redis has not answered" : "the connection for replies is not there";
  return new SioemitError(reason, `${what}, and nothing was asked: ${message}`);
}

/** The answers to a question. */
class Answers<T> {
  /** The id of the question. */
  readonly id: string;
  /** Is fulfilled once all are there. */
  readonly complete: Promise<void>;

  readonly #collector: Collector<T>;
  readonly #asked: number;
  #unread = 0;

  constructor(call: Call<T>, asked: number, wait: Wait) {
    this.#asked = asked;
    const collector = call.collector();
    this.#collector = collector;
    let finish = () => {};
    this.complete = new Promise((resolve) => {
      finish = resolve;
    });
    this.id = wait.newQuestion((reply) => {
      if (collector.isComplete(asked)) {
        return; // whatever else comes is too much
      }
      if (reply === undefined || !collector.add(reply)) {
        this.#unread++;
      }
      if (collector.isComplete(asked)) {
        finish();
      }
    });
  }

  result(): T {
    return this.#collector.result(this.#asked);
  }

  missing() {
    return { ...this.#collector.missing(), asked: this.#asked, unread: this.#unread };
  }
}
