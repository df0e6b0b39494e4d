import { type Adapter, type Command, eventPacket, type Request, uid } from "./adapter.js";
import { SioemitError } from "./errors.js";
import { toJSON } from "./json.js";
import { type Writer, withWriter } from "./msgpack.js";
import { onlyRoom } from "./names.js";
import { type Frame, flagsOf, type Target } from "./target.js";
import { writeFlags, writeRooms } from "./write.js";

/** The type that marks an event with binary for Socket.IO 1 and 2. It would disconnect every client of 4. */
const binaryEventPacket = 5;

/** What every message begins with: ["emitter", {type, data: */
const head = written((w) => {
  w.arrayHeader(3);
  w.string(uid);
  w.mapHeader(3);
  w.string("type");
  w.number(eventPacket);
  w.string("data");
});

/** Where the type of the packet stands in a message, in front of "data". */
const typeAt = head.length - "\xa4data".length - 1;

/** The numbers of requests. */
const requestTypes = { join: 2, leave: 3, disconnect: 4, serverSideEmit: 6 } as const;

interface ClassicOptions {
  key: string;
  json: boolean;
  serverVersion: number;
  maxAttachments: number;
}

/** createAdapter of @socket.io/redis-adapter and socket.io-redis. */
export class Classic implements Adapter {
  readonly #options: ClassicOptions;

  constructor(options: ClassicOptions) {
    this.#options = options;
  }

  broadcast(target: Target, event: string, args: readonly unknown[]): Command {
    const { channel } = this.#written(target.frame);
    const room = onlyRoom(target.rooms);
    target.channel ??= room === undefined ? channel : `${channel}${room}#`;
    const message = this.#options.json ? this.#json(target, event, args) : this.#messagePack(target, event, args);
    return ["PUBLISH", target.channel, message];
  }

  /** Most events have a target of their own, but few frames. */
  #written(frame: Frame): Written {
    frame.written ??= write(frame, this.#options.key);
    return frame.written as Written;
  }

  #messagePack({ frame, rooms }: Target, event: string, args: readonly unknown[]): Uint8Array {
    const { beforeRooms, behindRooms } = this.#written(frame);
    return withWriter((w) => {
      w.raw(head);
      w.event(event, args, this.#options.maxAttachments);
      if (w.binaries > 0 && this.#options.serverVersion < 3) {
        w.patch(typeAt, binaryEventPacket);
      }
      w.raw(beforeRooms);
      writeRooms(w, rooms);
      w.raw(behindRooms);
      return w.finish();
    });
  }

  #json(target: Target, event: string, args: readonly unknown[]): string {
    const { nsp, except } = target.frame;
    const options = { rooms: target.rooms, flags: flagsOf(target.frame), except };
    const data = jsonData(event, args, "the codec is json");
    return `["${uid}",{"type":${eventPacket},"data":${data},"nsp":${JSON.stringify(nsp)}},${JSON.stringify(options)}]`;
  }

  request(target: Target, request: Request): Command {
    return ["PUBLISH", this.#requestChannel(target.frame.nsp), requestMessage(target, request)];
  }

  listeners(nsp: string): ["NUMSUB", string] {
    return ["NUMSUB", this.#requestChannel(nsp)];
  }

  #requestChannel(nsp: string): string {
    return `${this.#options.key}-request#${nsp}#`;
  }
}

/** What all messages of a frame have in common. */
interface Written {
  /** The channel, but for a room. */
  channel: string;
  /** What stands behind the data, around the rooms. */
  beforeRooms: Uint8Array;
  behindRooms: Uint8Array;
}

function write(frame: Frame, key: string): Written {
  return {
    channel: `${key}#${frame.nsp}#`,
    beforeRooms: written((w) => {
      w.string("nsp");
      w.string(frame.nsp);
      w.mapHeader(3);
      w.string("rooms");
    }),
    behindRooms: written((w) => {
      w.string("flags");
      writeFlags(w, frame);
      w.string("except");
      writeRooms(w, frame.except);
    }),
  };
}

function written(write: (w: Writer) => void): Uint8Array {
  return withWriter((w) => {
    write(w);
    return new Uint8Array(w.written(0)); // a copy
  });
}

function requestMessage(target: Target, request: Request): string {
  const opts = { rooms: target.rooms, except: target.frame.except };
  const type = requestTypes[request.kind];
  switch (request.kind) {
    case "join":
    case "leave":
      return JSON.stringify({ type, opts, rooms: request.rooms });
    case "disconnect":
      return JSON.stringify({ type, opts, close: request.close });
    case "serverSideEmit": {
      const data = jsonData(request.event, request.args, "requests of the classic adapter are JSON");
      return `{"uid":"${uid}","type":${type},"data":${data}}`;
    }
  }
}

/**
 * Returns the data of an event as JSON. Where requests are JSON, adapters from 7.2 on read MessagePack as well, but
 * older ones ignore it, or end their server; and which ones there are only an answer could tell.
 */
function jsonData(event: string, args: readonly unknown[], why: string): string {
  return withWriter((w) => {
    w.event(event, args, undefined);
    if (w.binaries > 0) {
      throw new SioemitError("binary-in-json", `event "${event}" has a binary argument, and ${why}`);
    }
    return toJSON(w.written(0));
  });
}
