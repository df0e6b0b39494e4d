import { type AskingAdapter, type Command, nobody, type Question } from "./adapter.js";
import { redisError } from "./client.js";
import { type Collector, ProbeCollector } from "./collectors.js";
import { type Connection, Doubt, orAborted } from "./connection.js";
import { countSubscribers } from "./counts.js";
import { Deadline, Ended, type Patience } from "./deadline.js";
import { IncompleteError, SioemitError } from "./errors.js";
import type { Receiver, Wait } from "./receiver.js";
import { everyone, Target } from "./target.js";

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

/** One way of asking the servers of a namespace, and how many answer. */
export interface Round<T> extends Pick<Call<T>, "name" | "collector"> {
  nsp: string;
  /** The question with an id. */
  command: (id: string) => Command;
  asked: number;
  /** Where it is sent: the client, or one node of it. */
  through: Pick<Connection, "ask">;
  /** What a server needs to answer; the likely reason when none does. */
  needs: string | undefined;
  /** A question that changes nothing may be asked again. */
  changesNothing: boolean;
}

/** How often a question is asked that changes nothing. */
const maxAttempts = 4;

/** Asks the servers of the namespaces, through one adapter. */
export class Asker {
  readonly #adapter: AskingAdapter;
  readonly #connection: Connection;
  readonly #receiver: Receiver;

  constructor(adapter: AskingAdapter, connection: Connection, receiver: Receiver) {
    this.#adapter = adapter;
    this.#connection = connection;
    this.#receiver = receiver;
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
    try {
      await this.#askUntil(
        {
          name,
          target: new Target(everyone(target.frame.nsp).frame, [nobody()]),
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
    const { name, target, question, collector } = call;
    const { nsp } = target.frame;
    deadline.check();
    const counting = countSubscribers(this.#connection, this.#adapter.listeners(nsp));
    const [asked] = await deadline.before(orAborted(counting, deadline.signal));
    if (!asked) {
      throw noServers(name, nsp);
    }
    const round = {
      name,
      collector,
      nsp,
      asked,
      command: (id: string) => this.#command(call, id, deadline.left),
      through: this.#connection,
      needs: this.#adapter.needs(question.kind),
      changesNothing: question.kind === "fetchSockets" || question.kind === "rooms",
    };
    return this.round(round, deadline);
  }

  /** Asks a question of so many servers, and waits for their answers. */
  async round<T>(round: Round<T>, deadline: Deadline): Promise<T> {
    const channels = this.#adapter.replyChannels(round.nsp);
    const wait = await deadline.before(this.#receiver.wait(channels, deadline.signal), "subscription");
    try {
      for (let attempt = 1; ; attempt++) {
        const answers = new Answers(round, wait);
        const doubt = await this.#send(round, answers.id, wait, deadline);
        if (doubt === undefined) {
          return await this.#answered(round, answers, wait, deadline);
        }
        if (!round.changesNothing || attempt === maxAttempts || deadline.signal.aborted) {
          throw redisError(`${round.name}: nobody knows whether it was asked`, doubt, this.#connection, "maybe-asked");
        }
      }
    } finally {
      wait.release();
    }
  }

  /** Sends a question, and returns why nobody knows whether that was done; undefined when it was. */
  async #send({ command, through }: Round<unknown>, id: string, wait: Wait, deadline: Deadline): Promise<unknown> {
    const question = command(id);
    try {
      await Promise.race([through.ask(question, deadline.signal), wait.lost]);
      return undefined;
    } catch (error) {
      if (error instanceof Doubt) {
        return error.cause;
      }
      if (error instanceof SioemitError) {
        throw error; // the connection for replies was lost
      }
      deadline.check();
      throw redisError(question[0], error, this.#connection);
    }
  }

  async #answered<T>(round: Round<T>, answers: Answers<T>, wait: Wait, deadline: Deadline): Promise<T> {
    try {
      await Promise.race([orAborted(answers.complete, deadline.signal), wait.lost]);
      return answers.result();
    } catch (error) {
      if (!(error instanceof Ended)) {
        throw error;
      }
      throw incomplete(round, answers, error);
    }
  }
}

function incomplete<T>({ name: call, needs }: Round<T>, answers: Answers<T>, ended: Ended): IncompleteError<T> {
  const missing = answers.missing();
  const { message: ending, cause } = ended;
  return new IncompleteError(
    { call, ...missing, needs: missing.servers === 0 ? needs : undefined, partial: answers.result(), ending },
    { cause },
  );
}

/** Returns the error of a call of which nothing is known but how many servers have answered. */
export function unanswered(
  call: string,
  servers: number,
  asked: number,
  { message: ending, cause }: Ended,
): SioemitError {
  const rest = { clients: 0, expected: 0, unread: 0, needs: undefined, partial: servers };
  return new IncompleteError({ call, servers, asked, ...rest, ending }, { cause });
}

/** Returns the error of a call that has nobody to ask. */
export function noServers(call: string, nsp: string): SioemitError {
  return new SioemitError("no-servers", `${call}: no server listens on the namespace ${nsp}`);
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

  constructor({ asked, collector: newCollector }: Round<T>, wait: Wait) {
    this.#asked = asked;
    const collector = newCollector();
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
    return { asked: this.#asked, unread: this.#unread, ...this.#collector.missing(this.#asked) };
  }
}
