import type { Room } from "./names.js";

type Change = Partial<Pick<Frame, "nsp" | "except" | "volatile" | "compress">>;

/** What targets with other rooms have in common: a namespace, who is left out, and flags. It never changes. */
export class Frame {
  readonly nsp: string;
  readonly except: readonly Room[];
  readonly volatile: boolean;
  readonly compress: boolean | undefined;

  /** What the adapter wrote for it, to be used again. */
  written: unknown;

  constructor({ nsp = "/", except = [], volatile = false, compress }: Change) {
    this.nsp = nsp;
    this.except = except;
    this.volatile = volatile;
    this.compress = compress;
    this.written = undefined;
  }
}

/** The flags of a frame as servers expect them: only what is set. */
export function flagsOf({ volatile, compress }: Frame): { volatile?: true; compress?: boolean } {
  return {
    ...(volatile ? { volatile } : undefined),
    ...(compress === undefined ? undefined : { compress }),
  };
}

/** Where an event goes. It never changes. */
export class Target {
  readonly frame: Frame;
  readonly rooms: readonly Room[];

  /** The channel of its events, once the adapter has found it. */
  channel: string | undefined;

  constructor(frame: Frame, rooms: readonly Room[]) {
    this.frame = frame;
    this.rooms = rooms;
    this.channel = undefined;
  }

  /** Returns the target with something of its frame changed. */
  with(change: Change): Target {
    return new Target(new Frame({ ...this.frame, ...change }), this.rooms);
  }
}

/** Everyone in a namespace. */
export function everyone(nsp: string): Target {
  return new Target(new Frame({ nsp }), []);
}

/** Returns the name of a namespace with its leading slash, which may be left out. */
export function withSlash(nsp: string): string {
  return nsp.startsWith("/") ? nsp : `/${nsp}`;
}
