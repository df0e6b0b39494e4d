import { performance } from "node:perf_hooks";
import process from "node:process";
import { type AskingAdapter, type Command, isAsking } from "./adapter.js";
import { Asker, type Call, type CallOnly } from "./ask.js";
import { redisError } from "./client.js";
import { Confirmer } from "./confirm.js";
import type { Connection, Outcome, Pipeline } from "./connection.js";
import { countSubscribers } from "./counts.js";
import { messageOf, SioemitError } from "./errors.js";
import type { Settings } from "./options.js";
import { Receiver } from "./receiver.js";
import { Result } from "./result.js";
import { Sent } from "./sent.js";

/** What all operators of an emitter share: where their commands go, and their errors. */
export abstract class Sender {
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** Sends a command, which is for the servers of a namespace. */
  abstract send(command: Command, nsp: string): Promise<void>;
  /** Returns the promise of a call that was refused. */
  abstract refuse(error: unknown): Promise<never>;
  /** Returns how many servers listen on a namespace. */
  abstract serverCount(nsp: string): Promise<number>;
  /** Asks the servers something, and waits for their answers. */
  abstract ask<T>(call: Call<T>): Promise<T>;
  /** Waits until the servers have taken what was sent, and returns how many have. */
  abstract confirm(call: CallOnly): Promise<number>;
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
  readonly #sent: Sent;
  #confirmer: Confirmer | undefined;

  constructor(settings: Settings, connection: Connection) {
    super(settings);
    this.#connection = connection;
    this.#receiver = new Receiver(connection);
    this.#sent = new Sent(keepsCommands(settings, connection));
  }

  send(command: Command, nsp: string): Promise<void> {
    return new Result<void>((resolve, reject) => {
      const flight = this.#sent.note(nsp, command);
      const fail = (error: unknown) => {
        flight.land();
        reject(this.#redisError(command, error));
      };
      try {
        this.#connection.send(command).then((answer) => {
          this.#sent.noteAnswer(nsp, command, answer);
          flight.land();
          resolve();
        }, fail);
      } catch (error) {
        fail(error);
      }
    }, this.#report);
  }

  refuse(error: unknown): Promise<never> {
    return new Result<never>((_, reject) => reject(asRefusal(error)), this.#report);
  }

  serverCount(nsp: string): Promise<number> {
    return this.#result(async () => {
      const [count] = await countSubscribers(this.#connection, this.settings.adapter.listeners(nsp));
      return count as number;
    });
  }

  ask<T>(call: Call<T>): Promise<T> {
    return this.#result(async () => {
      const began = performance.now();
      const adapter = this.#asking(call.name);
      try {
        return await this.#asker(adapter).ask(call);
      } catch (error) {
        // What all servers have answered, they have taken.
        if ("event" in call.question && mayBeAsked(error)) {
          const { nsp } = call.target.frame;
          this.#sent.noteUnanswered(nsp, adapter.listeners(nsp)[1], began);
        }
        throw error;
      }
    });
  }

  confirm(call: CallOnly): Promise<number> {
    return this.#result(() => {
      const adapter = this.#asking(call.name);
      this.#receiver.check();
      this.#confirmer ??= new Confirmer(adapter, this.#connection, this.#asker(adapter), this.#sent);
      return this.#confirmer.confirm(call);
    });
  }

  sendBinary(command: Command, call: CallOnly): Promise<void> {
    return this.#result(async () => {
      await this.#asker(this.#asking(call.name)).checkReadsBinary(call);
      await this.send(command, call.target.frame.nsp);
    });
  }

  #asking(call: string): AskingAdapter {
    const { adapter } = this.settings;
    if (!isAsking(adapter)) {
      throw new SioemitError("no-counterpart", `${call}: servers in Python answer nobody but themselves`);
    }
    return adapter;
  }

  #asker(adapter: AskingAdapter): Asker {
    return new Asker(adapter, this.#connection, this.#receiver);
  }

  close(): void {
    this.#receiver.close();
  }

  pipeline(fill: (sender: Sender) => unknown): Promise<void> {
    return this.#result(async () => {
      const pipeline = this.#connection.pipeline();
      const sent = this.#sent;
      const noted: [nsp: string, command: Command][] = [];
      const addNoted = (command: Command, nsp: string) => {
        pipeline.add(command);
        noted.push([nsp, command]);
      };
      const add = sent.keepsCommands ? addNoted : pipeline.add;
      const target = { add, noteNamespace: (nsp: string) => sent.noteNamespace(nsp) };
      const commands = await collect(this.settings, target, this.#report, fill);
      if (commands === 0) {
        return;
      }
      const { failed = "some", first } = await this.#execute(pipeline, noted);
      if (first !== undefined) {
        const what = `${failed} of ${commands} commands of the pipeline failed, the first with`;
        throw redisError(what, first.error, this.#connection);
      }
    });
  }

  /** Executes a pipeline, with notes of its commands where these matter. */
  async #execute(pipeline: Pipeline, noted: readonly [nsp: string, command: Command][]): Promise<Outcome> {
    for (const [nsp, command] of noted) {
      this.#sent.noteChannel(nsp, command);
    }
    const flight = this.#sent.noteStart();
    try {
      const outcome = await pipeline.exec().catch(failedWith);
      for (const [i, [nsp, command]] of noted.entries()) {
        this.#sent.noteAnswer(nsp, command, outcome.answerTo(i));
      }
      return outcome;
    } finally {
      flight.land();
    }
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

/** Reports whether a question has been asked, or may have been, that has failed. */
function mayBeAsked(error: unknown): boolean {
  const reasons = ["incomplete", "subscription", "maybe-asked", "closed"];
  return error instanceof SioemitError && reasons.includes(error.reason);
}

/** Reports whether not all commands go the same way to the servers. */
function keepsCommands({ adapter }: Settings, { isCluster }: Connection): boolean {
  return isAsking(adapter) && (adapter.carriers === undefined || (isCluster && adapter.carriers.field === "ssub"));
}

function failedWith(error: unknown): Outcome {
  return { answerTo: () => undefined, failed: undefined, first: { error } };
}

const done = Promise.resolve();

/** Where the commands of a pipeline go. */
interface Commands {
  readonly add: (command: Command, nsp: string) => void;
  /** Notes that commands are for a namespace; called when it is another one than before. */
  noteNamespace(nsp: string): void;
}

/** Adds commands to a pipeline. */
class PipelineSender extends Sender {
  readonly #commands: Commands;
  readonly #report: (error: unknown) => void;
  /** The pipelines within this one. */
  readonly #nested: Result<void>[] = [];
  /** The namespace of the last command. */
  #nsp: string | undefined;
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

  send(command: Command, nsp: string): Promise<void> {
    if (this.ended) {
      return this.refuse(hasEnded());
    }
    this.#add(command, nsp);
    return done;
  }

  #add(command: Command, nsp: string): void {
    this.#commands.add(command, nsp);
    this.count++;
    if (nsp !== this.#nsp) {
      this.#nsp = nsp;
      this.#commands.noteNamespace(nsp);
    }
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

  confirm({ name }: { name: string }): Promise<never> {
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
    const commands: [command: Command, nsp: string][] = [];
    const target = {
      add: (command: Command, nsp: string) => commands.push([command, nsp]),
      noteNamespace: () => {}, // which comes with the commands
    };
    const add = () => {
      for (const [command, nsp] of commands) {
        this.#add(command, nsp);
      }
    };
    const nested = new Result<void>(
      (resolve, reject) => {
        const count = collect(this.settings, target, this.#report, fill);
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
