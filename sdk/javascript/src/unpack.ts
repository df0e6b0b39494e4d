import { Buffer } from "node:buffer";

/** How deep a message may nest. No server writes deeper ones, which it would not survive itself. */
const maxLevels = 1000;

/** What values take in memory, in bytes, about. */
const objectCost = 320;
const arrayCost = 48;
const elementCost = 64; // of an array or, twice, of an object

/** What is malformed: it is no message at all. */
export class Malformed extends Error {}

/** What would take far more memory than its size justifies, which no server's answer does. */
export class TooCostly extends Error {
  constructor(size: number) {
    super(`the ${size} bytes of the message would become many times as much when they are decoded`);
  }
}

/** Counts what a message would take, before it takes it. */
class Budget {
  #left: number;
  readonly #size: number;

  constructor(size: number) {
    this.#left = 64 * 1024 * 1024 + 16 * size;
    this.#size = size;
  }

  spend(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) {
      throw new TooCostly(this.#size);
    }
  }
}

/** Decodes a message of a server, which may come from anyone: JSON or MessagePack, with binary at any depth. */
export function unpack(message: Uint8Array): unknown {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  return bytes[0] === 0x7b ? fromJSON(bytes) : new Unpacker(bytes).all();
}

function fromJSON(bytes: Buffer): unknown {
  checkJSON(bytes);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (error) {
    throw new Malformed("it is not JSON", { cause: error });
  }
  return withBuffers(value);
}

/** Refuses JSON that would nest too deep or take too much, by the characters that open and separate values. */
function checkJSON(bytes: Buffer): void {
  const budget = new Budget(bytes.length);
  let level = 0;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case 0x22: // "
        i = endOfString(bytes, i);
        break;
      case 0x5b: // [
      case 0x7b: // {
        level++;
        if (level > maxLevels + 1) {
          throw new Malformed(`it has more than ${maxLevels} levels`);
        }
        budget.spend(bytes[i] === 0x5b ? arrayCost + elementCost : objectCost + elementCost);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        level--;
        break;
      case 0x2c: // ,
      case 0x3a: // :
        budget.spend(elementCost);
        break;
    }
  }
}

/** Returns where a string ends that starts here. */
function endOfString(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(0x22, start + 1); end >= 0; end = bytes.indexOf(0x22, end + 1)) {
    let escapes = 0;
    while (bytes[end - 1 - escapes] === 0x5c) {
      escapes++;
    }
    if (escapes % 2 === 0) {
      return end;
    }
  }
  throw new Malformed("a string does not end");
}

/** Turns {"type":"Buffer","data":[...]}, which JSON.stringify makes of binary, back into it. */
function withBuffers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const { type, data } = value as { type?: unknown; data?: unknown };
  if (type === "Buffer" && Array.isArray(data) && Object.keys(value).length === 2 && data.every(isByte)) {
    return Buffer.from(data);
  }
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === "object" && member !== null) {
      setMember(value, key, withBuffers(member));
    }
  }
  return value;
}

function isByte(n: unknown): boolean {
  return Number.isInteger(n) && (n as number) >= 0 && (n as number) <= 0xff;
}

/** Sets a member; "__proto__" is a key like any other, as in JSON. */
function setMember(object: object, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else {
    (object as Record<string, unknown>)[key] = value;
  }
}

/** Reads MessagePack, with the extensions of notepack.io: dates, undefined, and ArrayBuffer. */
class Unpacker {
  readonly #bytes: Buffer;
  readonly #budget: Budget;
  #at = 0;
  #level = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#budget = new Budget(bytes.length);
  }

  /** Returns the value that is all of the bytes. */
  all(): unknown {
    const value = this.#value();
    if (this.#at !== this.#bytes.length) {
      throw new Malformed("something follows the value");
    }
    return value;
  }

  /** Returns where so many bytes start, and goes behind them. */
  #take(n: number): number {
    const at = this.#at;
    if (n > this.#bytes.length - at) {
      throw new Malformed("it is cut off");
    }
    this.#at += n;
    return at;
  }

  #unsigned(size: number): number {
    const at = this.#take(size);
    return size === 8
      ? this.#bytes.readUInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
      : this.#bytes.readUIntBE(at, size);
  }

  #signed(size: number): number {
    const at = this.#take(size);
    return size === 8
      ? this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
      : this.#bytes.readIntBE(at, size);
  }

  #value(): unknown {
    const type = this.#unsigned(1);
    if (type < 0x80) {
      return type;
    }
    if (type < 0x90) {
      return this.#object(type & 0x0f);
    }
    if (type < 0xa0) {
      return this.#array(type & 0x0f);
    }
    if (type < 0xc0) {
      return this.#text(type & 0x1f);
    }
    return type >= 0xe0 ? type - 0x100 : this.#long(type);
  }

  /** Reads a value whose first byte says its form only. */
  #long(type: number): unknown {
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return type === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#binary(this.#unsigned(1 << (type - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#unsigned(1 << (type - 0xc7)));
      case 0xca:
        return finite(this.#bytes.readFloatBE(this.#take(4)));
      case 0xcb:
        return finite(this.#bytes.readDoubleBE(this.#take(8)));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.#unsigned(1 << (type - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#signed(1 << (type - 0xd0));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (type - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#unsigned(1 << (type - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(2 << (type - 0xdc)));
      case 0xde:
      case 0xdf:
        return this.#object(this.#unsigned(2 << (type - 0xde)));
      default:
        throw new Malformed("it is not MessagePack"); // 0xc1
    }
  }

  #text(n: number): string {
    const at = this.#take(n);
    return this.#bytes.toString("utf8", at, at + n);
  }

  /** Returns a copy, which does not keep the whole message. */
  #binary(n: number): Buffer {
    const at = this.#take(n);
    return Buffer.from(this.#bytes.subarray(at, at + n));
  }

  #enter(): void {
    this.#level++;
    if (this.#level > maxLevels + 1) {
      throw new Malformed(`it has more than ${maxLevels} levels`);
    }
  }

  #array(n: number): unknown[] {
    this.#enter();
    this.#budget.spend(arrayCost);
    const list: unknown[] = []; // not of the length that it claims
    for (let i = 0; i < n; i++) {
      this.#budget.spend(elementCost);
      list.push(this.#value() ?? null);
    }
    this.#level--;
    return list;
  }

  #object(n: number): Record<string, unknown> {
    this.#enter();
    this.#budget.spend(objectCost);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < n; i++) {
      this.#budget.spend(2 * elementCost);
      const key = this.#value();
      if (typeof key !== "string") {
        throw new Malformed("a key is no string");
      }
      const value = this.#value();
      if (value !== undefined) {
        setMember(object, key, value); // as JSON leaves out what is undefined
      }
    }
    this.#level--;
    return object;
  }

  #extension(n: number): unknown {
    const type = this.#signed(1);
    const data = this.#binary(n);
    if (type === -1) {
      return dateText(timestamp(data));
    }
    if (type !== 0) {
      return [type, data];
    }
    // What notepack.io 2 writes.
    if (n === 1 && data[0] === 0) {
      return undefined;
    }
    return n === 8 ? dateText(data.readInt32BE(0) * 2 ** 32 + data.readUInt32BE(4)) : data;
  }
}

/** JSON has no NaN and no infinities. */
function finite(n: number): number | null {
  return Number.isFinite(n) ? n : null;
}

/** Returns the milliseconds of a timestamp of MessagePack. */
function timestamp(data: Buffer): number {
  switch (data.length) {
    case 4:
      return data.readUInt32BE(0) * 1e3;
    case 8: {
      const high = data.readUInt32BE(0);
      return ((high & 3) * 2 ** 32 + data.readUInt32BE(4)) * 1e3 + Math.floor((high >>> 2) / 1e6);
    }
    case 12:
      return (data.readInt32BE(4) * 2 ** 32 + data.readUInt32BE(8)) * 1e3 + Math.floor(data.readUInt32BE(0) / 1e6);
    default:
      throw new Malformed("a timestamp has no such length");
  }
}

/** Returns what JSON.stringify makes of a Date. */
function dateText(ms: number): string | null {
  return new Date(ms).toJSON();
}
