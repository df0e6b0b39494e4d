import { clearTimeout, setTimeout } from "node:timers";
import { SioemitError } from "./errors.js";

/** How long a call waits for answers, unless timeout says otherwise, in milliseconds. */
export const defaultTimeout = 5000;

/** How long a call waits for answers, and what ends it before. */
export interface Patience {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** Why a call is not waited for any longer. */
export class Ended extends Error {}

/** When a call ends at the latest. */
export class Deadline {
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

  /** Waits for something that has to be done before anything is asked, and that ends with the signal. */
  async before<T>(step: Promise<T>, reason: "redis" | "subscription" = "redis"): Promise<T> {
    try {
      return await step;
    } catch (error) {
      if (!(error instanceof Ended)) {
        throw error;
      }
      throw unasked(error, reason);
    }
  }

  /** Refuses a call whose time is over. */
  check(): void {
    if (this.signal.aborted) {
      throw unasked(this.signal.reason, "redis");
    }
  }

  /** Leaves nothing behind: a question that still waits for the client must not be written any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#userSignal?.removeEventListener("abort", this.#abort);
    this.#controller.abort(new Ended("it is over"));
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
