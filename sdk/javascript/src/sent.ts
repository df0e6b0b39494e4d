import { performance } from "node:perf_hooks";
import type { Command } from "./adapter.js";
import { type Span, withEntry } from "./span.js";
import type { State } from "./state.js";

/** How many namespaces, and rooms of each, are kept. Beyond them less can be proven. */
const max = 1000;

/** Commands that are on their way to Redis. */
export class Flight {
  #aloft = 0;
  #landed = () => {};

  takeOff(): this {
    this.#aloft++;
    return this;
  }

  /** Redis has answered a command, or will not. */
  land(): void {
    this.#aloft--;
    if (this.#aloft === 0) {
      this.#landed();
    }
  }

  get hasLanded(): boolean {
    return this.#aloft === 0;
  }

  /** Waits until all have landed. */
  landed(): Promise<void> {
    return new Promise((resolve) => {
      this.#landed = resolve;
      if (this.hasLanded) {
        resolve();
      }
    });
  }
}

/** What a confirmation leaves for the next one of the namespace. */
export interface Outcome {
  /** Its number. */
  round: number;
  /** How things were; undefined where that is not known. */
  state: State | undefined;
  /** Why nothing is known of what was sent meanwhile, if anything was. */
  doubt: string | undefined;
  /**
   * How many servers there were before some of them may have been cut off, until as many have answered again. One that
   * comes back has not got what was sent while it was away.
   */
  missed: number;
}

const nothing: Outcome = { round: 0, state: undefined, doubt: undefined, missed: 0 };

/** What a confirmation is about. */
export interface Window {
  nsp: string;
  round: number;
  /** When the first command was sent, of performance.now(); undefined: nothing was. */
  since: number | undefined;
  /** The same, of those that no confirmation in any namespace was about. */
  first: number | undefined;
  last: Outcome;
  /** The channels, where these matter. */
  channels: string[];
  /** The entries of a stream, once all commands have landed. */
  entries: Span | undefined;
  /** Why nothing can be known, whatever the servers answer. */
  doubt: string | undefined;
  flights: Flight[];
}

/**
 * What has been sent and is not confirmed yet. It is noted when it starts on its way; a confirmation that begins then
 * waits until it has landed.
 */
export class Sent {
  /**
   * Whether the commands themselves matter: confirmations have to be about each channel, or cannot be about those that go
   * beside a stream.
   */
  readonly keepsCommands: boolean;
  /** When the first of it was sent, of all namespaces. */
  #first: number | undefined;
  /** When anything was. */
  #ever: number | undefined;
  /** The namespace to which all of it went. */
  #nsp: string | undefined;
  /** It went to others, too. */
  #isMixed = false;
  #flight = new Flight();
  /** Those that a confirmation has waited for in vain. */
  #late: Flight[] = [];
  /** What the last confirmations have left, by namespace. */
  readonly #last = new Map<string, Outcome>();
  readonly #spans = new Map<string, Span>();
  readonly #channels = new Map<string, Set<string>>();
  /** The number of the last confirmation. */
  #round = 0;
  /** The same, by the time that something could not be kept. */
  #lost = -1;

  constructor(keepsCommands: boolean) {
    this.keepsCommands = keepsCommands;
  }

  /** Notes that a command is sent to a namespace now. */
  note(nsp: string, command: Command): Flight {
    this.noteNamespace(nsp);
    if (this.keepsCommands) {
      this.noteChannel(nsp, command);
    }
    return this.noteStart();
  }

  /** Notes that something will be sent to a namespace. */
  noteNamespace(nsp: string): void {
    if (nsp !== this.#nsp) {
      this.#isMixed ||= this.#nsp !== undefined;
      this.#nsp ??= nsp;
    }
  }

  /** Notes the channel of a command, if it has one. */
  noteChannel(nsp: string, [name, channel]: Command): void {
    if (name !== "XADD") {
      this.#keepChannels(nsp, [channel]);
    }
  }

  #keepChannels(nsp: string, added: readonly string[]): void {
    const channels = this.#channels.get(nsp) ?? new Set();
    for (const channel of added) {
      if (channels.size < max && (channels.size > 0 || this.#channels.size < max)) {
        this.#channels.set(nsp, channels.add(channel));
      } else if (!channels.has(channel)) {
        this.#lost = this.#round;
      }
    }
  }

  /** Notes that something is sent now. */
  noteStart(): Flight {
    if (this.#first === undefined) {
      this.#first = performance.now();
      this.#ever ??= this.#first;
    }
    return this.#flight.takeOff();
  }

  /** Notes that something may have been sent since a time, by a channel, which not all servers have answered. */
  noteUnanswered(nsp: string, channel: string, since: number): void {
    this.noteNamespace(nsp);
    if (this.keepsCommands) {
      this.#keepChannels(nsp, [channel]);
    }
    this.#first = Math.min(this.#first ?? since, since);
    this.#ever = Math.min(this.#ever ?? since, since);
  }

  /** Notes what Redis has answered to a command: the id of an entry that it has added to the stream of a namespace. */
  noteAnswer(nsp: string, command: Command, answer: unknown): void {
    if (command[0] !== "XADD" || answer === undefined) {
      return;
    }
    const span = this.#spans.get(nsp);
    if (span === undefined && this.#spans.size >= max) {
      this.#lost = this.#round;
    } else {
      this.#spans.set(nsp, withEntry(span, String(answer)));
    }
  }

  /** Takes what was sent to a namespace so far. What is noted from now on belongs to the next confirmation. */
  begin(nsp: string): Window {
    const last = this.#last.get(nsp) ?? nothing;
    const isLost = this.#lost >= last.round;
    const first = this.#isMixed || nsp === this.#nsp ? this.#first : undefined;
    this.#round++;
    const window: Window = {
      nsp,
      round: this.#round,
      since: this.#isMixed ? this.#ever : first, // which is all that is known of this namespace
      first,
      last,
      channels: [...(this.#channels.get(nsp) ?? [])],
      entries: undefined,
      doubt: isLost ? "events went to more rooms or namespaces than are kept in mind" : last.doubt,
      flights: [...this.#late, this.#flight],
    };
    if (first !== undefined) {
      this.#first = undefined;
    }
    this.#channels.delete(nsp);
    this.#flight = new Flight();
    this.#late = [];
    return window;
  }

  /** Waits until all that a confirmation is about has landed. */
  async landed(window: Window): Promise<void> {
    for (const flight of window.flights) {
      await flight.landed();
    }
    window.entries = this.#spans.get(window.nsp);
  }

  /** Takes back what was not confirmed: the next confirmation is about it, too. */
  restore({ nsp, first, channels, flights }: Window): void {
    this.#first = first ?? this.#first; // whatever was noted since is later
    this.#keepChannels(nsp, channels);
    this.#late = flights.filter(({ hasLanded }) => !hasLanded);
  }

  /** Ends a confirmation: what it was about will not be asked about again. */
  end({ nsp, entries }: Window, outcome: Outcome): void {
    if (this.#last.size >= max && !this.#last.has(nsp)) {
      this.#last.clear();
    }
    const wasSentMeanwhile = this.#first !== undefined;
    this.#last.set(nsp, wasSentMeanwhile ? outcome : { ...outcome, doubt: undefined });
    const now = this.#spans.get(nsp);
    if (now === undefined || now.last === entries?.last) {
      this.#spans.delete(nsp);
    } else if (entries !== undefined) {
      this.#spans.set(nsp, { first: entries.last, last: now.last });
    }
  }
}
