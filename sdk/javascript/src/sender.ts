import process from "node:process";
import { type Command, isAsking } from "./adapter.js";
import { Asker, type Call, type CallOnly } from "./ask.js";
import { redisError } from "./client.js";
import type { Connection, Failures, Pipeline } from "./connection.js";
import { messageOf, SioemitError } from "./errors.js";
import type { Settings } from "./options.js";
import { Receiver } from "./receiver.js";
import { Result } from "./result.js";

/** What all operators of an emitter share: where their commands go, and their errors. */
export abstract class Sender {
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** Sends a command. */
  abstract send(command: Command): Promise<void>;
  /** Returns the promise of a call that was refused. */
  abstract refuse(error: unknown): Promise<never>;
  /** Returns how many servers listen on a namespace. */
  abstract serverCount(nsp: string): Promise<number>;
  /** Asks the servers something, and waits for their answers. */
  abstract ask<T>(call: Call<T>): Promise<T>;
  /** Sends a request that holds binary, once all servers are known to read it. */
  abstract sendBinary(command: Command, call: CallOnly): Promise<void>;
  /** Ends all calls that wait for answers, and the connection for replies. */
  abstract close(): void;
  /** Sends all that a function sends to a sender of its own, in one round trip. */
  abstract pipeline(fill: (sender: Sender) => unknown): Promise<void>;
}

/** Sends each command on its own. */
export class DirectSender extends Sender {
  readonly #connection: Connection;
  readonly #warned = new Set<string>();
  readonly #receiver: Receiver;

  constructor(settings: Settings, connection: Connection) {
    super(settings);
    this.#connection = connection;
    this.#receiver = new Receiver(connection);
  }

  send(command: Command): Promise<void> {
    return new Result<void>((resolve, reject) => {
      const fail = (error: unknown) => reject(this.#redisError(command, error));
      try {
        this.#connection.send(command).then(() => resolve(), fail);
      } catch (error) {
        fail(error);
      }
    }, this.#report);
  }

  refuse(error: unknown): Promise<never> {
    return new Result<never>((_, reject) => reject(asRefusal(error)), this.#report);
  }

  serverCount(nsp: string): Promise<number> {
    return this.#result(() => this.#serverCount(nsp));
  }

  async #serverCount(nsp: string): Promise<number> {
    const [ask, channel] = this.settings.adapter.listeners(nsp);
    try {
      const answers = await this.#connection.askAll(["PUBSUB", ask, channel]);
      return answers.reduce<number>((sum, answer) => sum + Number((answer as unknown[])[1]), 0);
    } catch (error) {
      throw redisError(`PUBSUB ${ask}`, error, this.#connection);
    }
  }

  ask<T>(call: Call<T>): Promise<T> {
    return this.#result(() => this.#asker(call.name).ask(call));
  }

  sendBinary(command: Command, call: CallOnly): Promise<void> {
    return this.#result(async () => {
      await this.#asker(call.name).checkReadsBinary(call);
      await this.#connection.send(command).catch((error) => {
        throw this.#redisError(command, error);
      });
    });
  }

  #asker(call: string): Asker {
    const { adapter } = this.settings;
    if (!isAsking(adapter)) {
      throw new SioemitError("no-counterpart", `${call}: servers in Python answer nobody but themselves`);
    }
    return new Asker(adapter, this.#connection, this.#receiver, (nsp) => this.#serverCount(nsp));
  }

  close(): void {
    this.#receiver.close();
  }

  pipeline(fill: (sender: Sender) => unknown): Promise<void> {
    return this.#result(async () => {
      const pipeline = this.#connection.pipeline();
      const commands = await collect(this.settings, pipeline, this.#report, fill);
      if (commands === 0) {
        return;
      }
      const { count = "some", first } = await pipeline.exec().catch(failedWith);
      if (first !== undefined) {
        const what = `${count} of ${commands} commands of the pipeline failed, the first with`;
        throw redisError(what, first.error, this.#connection);
      }
    });
  }

  #result<T>(call: () => Promise<T>): Promise<T> {
    return new Result<T>((resolve, reject) => {
      try {
        call().then(resolve, reject);
      } catch (error) {
        reject(asRefusal(error));
      }
    }, this.#report);
  }

  #redisError([name]: Command, error: unknown): SioemitError {
    return redisError(name, error, this.#connection);
  }

  /** Reports the error of a call that nobody waits for. */
  readonly #report = (error: unknown): void => {
    if (!(error instanceof SioemitError)) {
      Promise.reject(error); // thrown by the caller's own function in a pipeline
    } else if (this.settings.onError !== undefined) {
      this.settings.onError(error);
    } else if (!this.#warned.has(error.reason)) {
      this.#warned.add(error.reason);
      process.emitWarning(
        `${error.message} (nobody awaited the call; later errors of this kind are not shown: give the Emitter an ` +
          "onError, or await its calls, to get each)",
        { type: "SioemitWarning", code: error.reason },
      );
    }
  };
}

function failedWith(error: unknown): Failures {
  return { count: undefined, first: { error } };
}

const done = Promise.resolve();

/** Where the commands of a pipeline go. */
type Commands = Pick<Pipeline, "add">;

/** Adds commands to a pipeline. */
class PipelineSender extends Sender {
  readonly #commands: Commands;
  readonly #report: (error: unknown) => void;
  /** The pipelines within this one. */
  readonly #nested: Result<void>[] = [];
  /** How many commands were added. */
  count = 0;
  /** The first call that was refused: because of it nothing is sent. */
  refusal: SioemitError | undefined;
  ended = false;

  constructor(settings: Settings, commands: Commands, report: (error: unknown) => void) {
    super(settings);
    this.#commands = commands;
    this.#report = report;
  }

  send(command: Command): Promise<void> {
    if (this.ended) {
      return this.refuse(hasEnded());
    }
    this.#add(command);
    return done;
  }

  #add(command: Command): void {
    this.#commands.add(command);
    this.count++;
  }

  refuse(error: unknown): Promise<never> {
    const refusal = asRefusal(error);
    this.refusal ??= refusal;
    // Before its end the pipeline itself fails with it; of a call behind its end somebody else has to hear.
    return new Result<never>((_, reject) => reject(refusal), this.ended ? this.#report : () => {});
  }

  serverCount(): Promise<never> {
    return this.#refuseAsking("serverCount");
  }

  ask({ name }: { name: string }): Promise<never> {
    return this.#refuseAsking(name);
  }

  sendBinary(_: Command, { name }: { name: string }): Promise<never> {
    return this.#refuseAsking(`${name} with binary`);
  }

  #refuseAsking(call: string): Promise<never> {
    return this.refuse(
      new SioemitError("pipelined", `${call} needs an answer, which a pipeline has only after its end`),
    );
  }

  /** It has no connection for replies. */
  close(): void {}

  /** Adds what is collected to this pipeline, once all of it is: at once, unless the function is asynchronous. */
  pipeline(fill: (sender: Sender) => unknown): Promise<void> {
    if (this.ended) {
      return this.refuse(hasEnded());
    }
    const commands: Command[] = [];
    const add = () => {
      for (const command of commands) {
        this.#add(command);
      }
    };
    const nested = new Result<void>(
      (resolve, reject) => {
        const count = collect(this.settings, { add: (command) => commands.push(command) }, this.#report, fill);
        if (count instanceof Promise) {
          count.then(add).then(resolve, reject);
        } else {
          add();
          resolve();
        }
      },
      () => {},
    );
    this.#nested.push(nested);
    return nested;
  }

  get hasNested(): boolean {
    return this.#nested.length > 0;
  }

  /** Waits for the pipelines within this one, and fails with the error of one that nobody has taken. */
  async settleNested(): Promise<void> {
    for (const nested of this.#nested) {
      const failure = await nested.settled();
      if (failure !== undefined && !nested.taken) {
        throw failure.error;
      }
    }
  }

  /** Ends the pipeline and returns how many commands it has; fails when one was refused. */
  end(): number {
    this.ended = true;
    if (this.refusal !== undefined) {
      throw this.refusal;
    }
    return this.count;
  }
}

function hasEnded(): SioemitError {
  return new SioemitError("pipeline-ended", "the function of the pipeline has returned, and its emitter ended with it");
}

/** Lets a function fill a pipeline, and returns how many commands it added: at once, unless something has to be awaited. */
function collect(
  settings: Settings,
  commands: Commands,
  report: (error: unknown) => void,
  fill: (sender: Sender) => unknown,
): number | Promise<number> {
  const sender = new PipelineSender(settings, commands, report);
  let returned: unknown;
  try {
    returned = fill(sender);
  } catch (error) {
    sender.ended = true;
    throw error;
  }
  if (!(isThenable(returned) || sender.hasNested)) {
    return sender.end();
  }
  const rest = async () => {
    try {
      await returned;
      await sender.settleNested();
    } catch (error) {
      sender.ended = true;
      throw error;
    }
    return sender.end();
  };
  return rest();
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function asRefusal(error: unknown): SioemitError {
  return error instanceof SioemitError ? error : new SioemitError("unencodable", messageOf(error), { cause: error });
}
