import { Blob, Buffer } from "node:buffer";
import { types } from "node:util";
import { argumentError, messageOf, type SioemitError } from "./errors.js";
import { kindOf } from "./names.js";

/**
 * How deep one argument may nest: a number has no level, [] has one, and [{a: []}] has three. Servers and clients read
 * values recursively, and from about 2,500 levels on they end, or go deaf, for lack of stack.
 */
const maxLevels = 1000;

/** 2^53: up to here each integer is exact; larger numbers travel as float64. */
const maxExact = 2 ** 53;

/** Redis takes no longer word, in bytes. */
const maxMessage = 512 * 1024 * 1024;

/** The size of the memory in which messages are written one behind the other, in bytes. */
const slabSize = 32 * 1024;

/** A message starts in new memory when the slab has less room than this, in bytes. */
const smallRoom = 512;

const twoTo32 = 2 ** 32;

const { hasOwnProperty: hasOwn } = Object.prototype;

interface WithToJSON {
  toJSON?: unknown;
}

/**
 * Writes messages in MessagePack, each value in its smallest form, as notepack.io does, the encoder of the official
 * emitter. A value becomes what JSON.stringify would make of it, but for binary, which stays binary.
 */
export class Writer {
  /** How many binary values the event has so far. */
  binaries = 0;

  #memory = Buffer.allocUnsafeSlow(slabSize);
  #view = viewOf(this.#memory);
  #start = 0;
  #end = 0;

  /** How many arrays and objects are open. */
  #level = 0;
  /** The last member that harms beside binary; undefined when there is none. */
  #special: string | undefined;
  /** The arrays and objects that are open, in search of a cycle; undefined the rest of the time. */
  #open: Set<object> | undefined;

  /** Forgets what is not finished, and makes room for the next message. */
  reset(): void {
    this.binaries = 0;
    this.#level = 0;
    this.#special = undefined;
    this.#open = undefined;
    if (this.#memory.length - this.#start < smallRoom || this.#memory.length > slabSize) {
      this.#replaceMemory(slabSize);
      this.#start = 0;
    }
    this.#end = this.#start;
  }

  /** Returns the message, which keeps its memory. */
  finish(): Buffer {
    // Faster than subarray; the memory is all of its ArrayBuffer.
    const message = Buffer.from(this.#memory.buffer, this.#start, this.#end - this.#start);
    this.#start = this.#end;
    return message;
  }

  /** Returns what was written from a position on; it is valid until the next write. */
  written(from: number): Buffer {
    return this.#memory.subarray(this.#start + from, this.#end);
  }

  /** How many bytes the message has so far. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Writes over a byte of the message. */
  patch(at: number, byte: number): void {
    this.#memory[this.#start + at] = byte;
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#memory.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * Writes the data of a packet: an array of the event's name and its arguments. With a limit of binary values it is
   * for clients, and refuses what their parsers would not survive.
   */
  event(event: string, args: readonly unknown[], maxAttachments: number | undefined): void {
    this.arrayHeader(args.length + 1);
    this.string(event);
    let special = -1; // the first argument with a special member
    for (let i = 0; i < args.length; i++) {
      let at = i;
      try {
        this.#argument(args[i]);
        if (maxAttachments !== undefined && (this.binaries > 0 || this.#special !== undefined)) {
          special = this.#special !== undefined && special < 0 ? i : special;
          this.#checkAttachments(maxAttachments);
          at = special;
          this.#checkSpecial();
        }
      } catch (thrown) {
        throw refusalOf(event, at, thrown);
      }
    }
  }

  #checkAttachments(max: number): void {
    if (this.binaries > max) {
      throw new Refused(
        `there are more than ${max} binary values in the event, for which clients would be disconnected; ` +
          "the option maxAttachments says how many their parser takes",
      );
    }
  }

  #checkSpecial(): void {
    if (this.#special === undefined || this.binaries === 0) {
      return;
    }
    throw new Refused(
      this.#special === "_placeholder"
        ? 'a member "_placeholder" beside binary would be taken for the place of the binary'
        : `the key "${this.#special}" beside binary would be called as a function`,
    );
  }

  #argument(value: unknown): void {
    if (typeof value === "function") {
      throw new Refused("it is a function; emitWithAck waits for acknowledgements");
    }
    try {
      this.#element(value, "");
    } catch (thrown) {
      if (thrown instanceof TooDeep) {
        // Is it a cycle? Only now it pays to remember what is open.
        this.#open = new Set();
        this.#level = 0;
        this.#element(value, "");
      }
      throw thrown;
    }
  }

  /** Writes an element of an array: null for what JSON has no word for. */
  #element(value: unknown, key: string | number): void {
    if (!this.#value(value, key)) {
      this.nil();
    }
  }

  /**
   * Writes a value; the key is where it stands. It returns false, and has written nothing, for what JSON leaves out:
   * undefined, functions and symbols.
   */
  #value(value: unknown, key: string | number): boolean {
    switch (typeof value) {
      case "string":
        this.string(value);
        return true;
      case "number":
        this.number(value);
        return true;
      case "object":
        if (value === null) {
          this.nil();
          return true;
        }
        return this.#object(value, key);
      case "boolean":
        this.boolean(value);
        return true;
      case "bigint":
        return this.#bigint(value, key);
      default:
        return false;
    }
  }

  #object(value: object, key: string | number, fromToJSON = false): boolean {
    const prototype = Object.getPrototypeOf(value);
    const plain = prototype === Object.prototype || prototype === Array.prototype || prototype === null;
    if (!plain) {
      const bytes = bytesOf(value);
      if (bytes !== undefined) {
        this.#binary(bytes);
        return true;
      }
    }
    const { toJSON } = value as WithToJSON;
    if (typeof toJSON === "function" && !fromToJSON) {
      const made: unknown = toJSON.call(value, String(key));
      // JSON.stringify does not call toJSON of what toJSON returns.
      return typeof made === "object" && made !== null ? this.#object(made, key, true) : this.#value(made, key);
    }
    if (Array.isArray(value)) {
      this.#array(value);
      return true;
    }
    if (!plain) {
      const primitive = unboxed(value);
      if (primitive !== value) {
        return this.#value(primitive, key);
      }
      refuseCollections(value);
    }
    this.#members(value as Record<string, unknown>);
    return true;
  }

  #array(list: readonly unknown[]): void {
    this.#enter(list);
    const n = list.length;
    this.arrayHeader(n);
    for (let i = 0; i < n; i++) {
      this.#element(list[i], i);
    }
    this.#leave(list);
  }

  #members(object: Record<string, unknown>): void {
    this.#enter(object);
    const announced = Object.keys(object).length;
    const header = this.#end;
    this.mapHeader(announced);
    let n = 0;
    // biome-ignore lint/suspicious/noForIn: it reads members faster than a loop over keys; inherited ones are left out
    for (const key in object) {
      if (!hasOwn.call(object, key)) {
        continue;
      }
      const before = this.#end;
      this.string(key);
      const start = this.#end;
      if (!this.#value(object[key], key)) {
        this.#end = before; // JSON leaves it out, too
        continue;
      }
      n++;
      // Most keys are told from the special ones by their first character.
      const first = key.charCodeAt(0);
      if (first === 0x5f || first === 0x68) {
        this.#member(key, this.#memory[start] as number);
      }
    }
    if (n !== announced) {
      this.#recount(header, announced, n);
    }
    this.#leave(object);
  }

  /** Corrects the header of a map of which some members were left out. */
  #recount(header: number, announced: number, n: number): void {
    const end = this.#end;
    const wide = headerSize(announced);
    const narrow = headerSize(n);
    if (narrow < wide) {
      this.#memory.copyWithin(header + narrow, header + wide, end);
    }
    this.#end = header;
    this.mapHeader(n);
    this.#end = end - wide + narrow;
  }

  /** Looks at a member that might harm, and at how its value starts. */
  #member(key: string, value: number): void {
    switch (key) {
      case "__proto__":
        throw new Refused('the key "__proto__" would replace the prototype of its object');
      case "_placeholder":
        // What JavaScript takes for false: null, false, 0 and "".
        if (value === 0xc0 || value === 0xc2 || value === 0 || value === 0xa0) {
          return;
        }
        break;
      case "hasOwnProperty":
        break;
      default:
        return;
    }
    this.#special = key;
  }

  #enter(container: object): void {
    if (this.#open?.has(container)) {
      throw new Refused("it holds itself");
    }
    if (++this.#level > maxLevels) {
      throw new TooDeep();
    }
    this.#open?.add(container);
  }

  #leave(container: object): void {
    this.#level--;
    this.#open?.delete(container);
  }

  #bigint(value: bigint, key: string | number): boolean {
    // Some make a toJSON for it.
    const toJSON: unknown = (BigInt.prototype as WithToJSON).toJSON;
    if (typeof toJSON === "function") {
      const made: unknown = toJSON.call(value, String(key));
      if (typeof made !== "bigint") {
        return this.#value(made, key);
      }
    }
    if (value > maxExact || value < -maxExact) {
      throw new Refused(
        `the BigInt ${value} is beyond 2^53, where JavaScript clients have no exact number; send it as text`,
      );
    }
    this.number(Number(value));
    return true;
  }

  #binary(bytes: Uint8Array): void {
    this.binaries++;
    const n = bytes.length;
    this.#room(n + 5);
    if (n < 0x100) {
      this.#put2(0xc4, n);
    } else if (n < 0x10000) {
      this.#put3(0xc5, n);
    } else {
      this.#put5(0xc6, n);
    }
    this.#memory.set(bytes, this.#end);
    this.#end += n;
  }

  nil(): void {
    this.#room(1);
    this.#memory[this.#end++] = 0xc0;
  }

  boolean(value: boolean): void {
    this.#room(1);
    this.#memory[this.#end++] = value ? 0xc3 : 0xc2;
  }

  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one branch for each form
  number(value: number): void {
    this.#room(9);
    if (value >= 0) {
      if (value < 0x80 && (value | 0) === value) {
        this.#memory[this.#end++] = value; // and 0 for -0, as in JSON
      } else if (value >>> 0 === value) {
        if (value < 0x100) {
          this.#put2(0xcc, value);
        } else if (value < 0x10000) {
          this.#put3(0xcd, value);
        } else {
          this.#put5(0xce, value);
        }
      } else if (value <= maxExact && Number.isInteger(value)) {
        this.#put9(0xcf, value);
      } else {
        this.#float(value);
      }
    } else if ((value | 0) === value) {
      if (value >= -0x20) {
        this.#memory[this.#end++] = value;
      } else if (value >= -0x80) {
        this.#put2(0xd0, value);
      } else if (value >= -0x8000) {
        this.#put3(0xd1, value);
      } else {
        this.#put5(0xd2, value);
      }
    } else if (value >= -maxExact && Number.isInteger(value)) {
      this.#put9(0xd3, value);
    } else {
      this.#float(value);
    }
  }

  #float(value: number): void {
    if (!Number.isFinite(value)) {
      throw new Refused(`${value} has no form in JSON`);
    }
    this.#memory[this.#end] = 0xcb;
    this.#view.setFloat64(this.#end + 1, value);
    this.#end += 9;
  }

  /** Writes text; half a surrogate pair becomes U+FFFD. */
  string(text: string): void {
    const n = text.length;
    if (n < 32) {
      this.#room(n + 1);
      const memory = this.#memory;
      let end = this.#end;
      memory[end++] = 0xa0 | n;
      let i = 0;
      for (; i < n; i++) {
        const c = text.charCodeAt(i);
        if (c >= 0x80) {
          break;
        }
        memory[end++] = c;
      }
      if (i === n) {
        this.#end = end;
        return;
      }
    }
    this.#longString(text);
  }

  #longString(text: string): void {
    const n = Buffer.byteLength(text);
    this.#room(n + 5);
    if (n < 32) {
      this.#memory[this.#end++] = 0xa0 | n;
    } else if (n < 0x100) {
      this.#put2(0xd9, n);
    } else if (n < 0x10000) {
      this.#put3(0xda, n);
    } else {
      this.#put5(0xdb, n);
    }
    this.#end += this.#memory.write(text, this.#end, n);
  }

  arrayHeader(n: number): void {
    this.#room(5);
    if (n < 16) {
      this.#memory[this.#end++] = 0x90 | n;
    } else if (n < 0x10000) {
      this.#put3(0xdc, n);
    } else {
      this.#put5(0xdd, n);
    }
  }

  mapHeader(n: number): void {
    this.#room(5);
    if (n < 16) {
      this.#memory[this.#end++] = 0x80 | n;
    } else if (n < 0x10000) {
      this.#put3(0xde, n);
    } else {
      this.#put5(0xdf, n);
    }
  }

  #put2(type: number, value: number): void {
    this.#memory[this.#end++] = type;
    this.#memory[this.#end++] = value;
  }

  #put3(type: number, value: number): void {
    this.#memory[this.#end++] = type;
    this.#memory[this.#end++] = value >> 8;
    this.#memory[this.#end++] = value;
  }

  #put5(type: number, value: number): void {
    this.#memory[this.#end] = type;
    this.#view.setUint32(this.#end + 1, value);
    this.#end += 5;
  }

  #put9(type: number, value: number): void {
    this.#memory[this.#end] = type;
    this.#view.setInt32(this.#end + 1, Math.floor(value / twoTo32));
    this.#view.setUint32(this.#end + 5, value);
    this.#end += 9;
  }

  /** Makes room for n more bytes. */
  #room(n: number): void {
    if (this.#end + n > this.#memory.length) {
      this.#grow(n);
    }
  }

  #grow(n: number): void {
    const length = this.#end - this.#start;
    if (length + n > maxMessage) {
      throw new Refused("the event is larger than 512 MiB, the most that Redis takes");
    }
    const written = this.#memory.subarray(this.#start, this.#end);
    this.#replaceMemory(this.#start + Math.max(2 * length + n, slabSize));
    this.#memory.set(written, this.#start); // where it was: positions in it are in use
  }

  #replaceMemory(size: number): void {
    this.#memory = Buffer.allocUnsafeSlow(size);
    this.#view = viewOf(this.#memory);
  }
}

/** What is refused, in words that go behind "argument 1 of event ...: ". */
class Refused extends Error {}

class TooDeep extends Error {
  constructor() {
    super(`it has more than ${maxLevels} levels, which servers may not survive`);
  }
}

function refusalOf(event: string, index: number, thrown: unknown): SioemitError {
  const expected = thrown instanceof Refused || thrown instanceof TooDeep;
  return argumentError(
    thrown instanceof TooDeep ? "too-deep" : "unencodable",
    event,
    index,
    messageOf(thrown),
    expected ? undefined : { cause: thrown },
  );
}

function viewOf(memory: Buffer): DataView {
  return new DataView(memory.buffer, memory.byteOffset, memory.length);
}

function headerSize(n: number): number {
  return n < 16 ? 1 : n < 0x10000 ? 3 : 5;
}

/** Returns the bytes of binary, and undefined for anything else. */
function bytesOf(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined;
}

/** Returns what JSON.stringify makes of a boxed primitive, and anything else as it is. */
function unboxed(value: object): unknown {
  if (types.isNumberObject(value)) {
    return Number(value);
  }
  if (types.isStringObject(value)) {
    return String(value);
  }
  return types.isBooleanObject(value) || types.isBigIntObject(value) ? value.valueOf() : value;
}

/** Refuses what holds something that JSON.stringify would drop, and send {} for. */
function refuseCollections(value: object): void {
  if (types.isMap(value) || types.isSet(value) || types.isWeakMap(value) || types.isWeakSet(value)) {
    throw new Refused(`${kindOf(value)} would arrive as {}; make an object or an array of it`);
  }
  if (types.isPromise(value)) {
    throw new Refused(`${kindOf(value)} would arrive as {}; await it first`);
  }
  if (value instanceof Blob) {
    throw new Refused(`${kindOf(value)} would arrive as {}; send its arrayBuffer()`);
  }
}

let idle: Writer | undefined = new Writer();

/**
 * Calls a function with a writer that nobody else uses meanwhile, not even an emit from within the toJSON of an
 * argument.
 */
export function withWriter<T>(write: (w: Writer) => T): T {
  const w = idle ?? new Writer();
  idle = undefined;
  try {
    return write(w);
  } finally {
    w.reset();
    idle = w;
  }
}
