import { setImmediate } from "node:timers";
import type { SioemitError } from "./errors.js";

/**
 * The promise of a call. When nobody has taken it, with await, then or catch, by the time that it fails, the error goes
 * to a hook instead of ending the process as an unhandled rejection. Whoever takes it gets promises as usual.
 */
export class Result<T> extends Promise<T> {
  #taken = false;

  constructor(
    executor: (resolve: (value: T) => void, reject: (error: SioemitError) => void) => void,
    onUnhandled: (error: SioemitError) => void,
  ) {
    super(executor);
    super.then(undefined, (error: SioemitError) => {
      // Leaves the caller the time to take it that Node leaves before a rejection counts as unhandled, and more.
      setImmediate(() => {
        if (!this.#taken) {
          onUnhandled(error);
        }
      });
    });
  }

  /** Whether somebody has taken it. */
  get taken(): boolean {
    return this.#taken;
  }

  /** Waits for the end without taking it, and returns the error, if it failed. */
  settled(): Promise<{ error: unknown } | undefined> {
    return super.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
  }

  /** await, catch and finally come here as well: they do not know this class for the usual promise. */
  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#taken = true;
    return super.then(onFulfilled, onRejected);
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }
}
