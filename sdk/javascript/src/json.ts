import type { Buffer } from "node:buffer";

/** Returns the JSON text of a value that Writer wrote, which holds no binary. */
export function toJSON(message: Buffer): string {
  return JSON.stringify(new Reader(message).value());
}

/** What stands in the place of binary, as Socket.IO writes it. */
export class Placeholder {
  readonly _placeholder = true;
  readonly num: number;

  constructor(num: number) {
    this.num = num;
  }
}

/** Returns the array that Writer wrote, with placeholders for its binary, which is beside it in base64. */
export function detach(message: Buffer): { data: unknown[]; attachments: string[] } {
  const reader = new Reader(message);
  const data = reader.value() as unknown[];
  return { data, attachments: reader.attachments };
}

/** Reads back what Writer wrote, and nothing else: it is whole, and has none of the other types. */
class Reader {
  /** The binary so far, in base64. */
  readonly attachments: string[] = [];

  readonly #message: Buffer;
  #at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  value(): unknown {
    const message = this.#message;
    const type = message[this.#at++] as number;
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
    if (type >= 0xe0) {
      return type - 0x100;
    }
    const at = this.#at;
    switch (type) {
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        this.#at += 1;
        return this.#binary(message[at] as number);
      case 0xc5:
        this.#at += 2;
        return this.#binary(message.readUInt16BE(at));
      case 0xc6:
        this.#at += 4;
        return this.#binary(message.readUInt32BE(at));
      case 0xcb:
        this.#at += 8;
        return message.readDoubleBE(at);
      case 0xcc:
        this.#at += 1;
        return message[at];
      case 0xcd:
        this.#at += 2;
        return message.readUInt16BE(at);
      case 0xce:
        this.#at += 4;
        return message.readUInt32BE(at);
      case 0xcf:
        this.#at += 8;
        return message.readUInt32BE(at) * 2 ** 32 + message.readUInt32BE(at + 4);
      case 0xd0:
        this.#at += 1;
        return message.readInt8(at);
      case 0xd1:
        this.#at += 2;
        return message.readInt16BE(at);
      case 0xd2:
        this.#at += 4;
        return message.readInt32BE(at);
      case 0xd3:
        this.#at += 8;
        return message.readInt32BE(at) * 2 ** 32 + message.readUInt32BE(at + 4);
      case 0xd9:
        this.#at += 1;
        return this.#text(message[at] as number);
      case 0xda:
        this.#at += 2;
        return this.#text(message.readUInt16BE(at));
      case 0xdb:
        this.#at += 4;
        return this.#text(message.readUInt32BE(at));
      case 0xdc:
        this.#at += 2;
        return this.#array(message.readUInt16BE(at));
      case 0xdd:
        this.#at += 4;
        return this.#array(message.readUInt32BE(at));
      case 0xde:
        this.#at += 2;
        return this.#object(message.readUInt16BE(at));
      case 0xdf:
        this.#at += 4;
        return this.#object(message.readUInt32BE(at));
      default:
        return null; // 0xc0
    }
  }

  #text(n: number): string {
    const at = this.#at;
    this.#at += n;
    return this.#message.toString("utf8", at, at + n);
  }

  #binary(n: number): Placeholder {
    const at = this.#at;
    this.#at += n;
    this.attachments.push(this.#message.toString("base64", at, at + n));
    return new Placeholder(this.attachments.length - 1);
  }

  #array(n: number): unknown[] {
    const list: unknown[] = [];
    for (let i = 0; i < n; i++) {
      list.push(this.value());
    }
    return list;
  }

  #object(n: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (let i = 0; i < n; i++) {
      const key = this.value() as string;
      object[key] = this.value(); // Writer refuses the key __proto__
    }
    return object;
  }
}
