import {
  type AskingAdapter,
  type Carriers,
  type Command,
  eventPacket,
  needsHandler,
  nobody,
  type Question,
  type Request,
  uid,
} from "./adapter.js";
import { SioemitError } from "./errors.js";
import { toJSON } from "./json.js";
import { type Writer, withWriter } from "./msgpack.js";
import { onlyRoom } from "./names.js";
import { type Frame, flagsOf, type Target } from "./target.js";
import { jsonUnlessBinary, writeFlags, writeOptions, writeRooms } from "./write.js";

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
const requestTypes = {
  socketIds: 0,
  rooms: 1,
  join: 2,
  leave: 3,
  disconnect: 4,
  fetchSockets: 5,
  serverSideEmit: 6,
  emitWithAck: 7,
} as const;

interface ClassicOptions {
  key: string;
  json: boolean;
  serverVersion: number;
  maxAttachments: number;
}

/** createAdapter of @socket.io/redis-adapter and socket.io-redis. */
export class Classic implements AskingAdapter {
  readonly roomsQuestion = "rooms";
  readonly carriers: Carriers = { field: "psub", least: 1 };

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
    const data = withWriter((w) => {
      w.event(event, args, undefined);
      if (w.binaries > 0) {
        throw binaryInJSON(event);
      }
      return toJSON(w.written(0));
    });
    return `["${uid}",{"type":${eventPacket},"data":${data},"nsp":${JSON.stringify(nsp)}},${JSON.stringify(options)}]`;
  }

  request(target: Target, request: Request): Command {
    return ["PUBLISH", this.#requestChannel(target.frame.nsp), this.#requestMessage(target, request)];
  }

  #requestMessage(target: Target, request: Request): string | Uint8Array {
    const opts = { rooms: target.rooms, except: target.frame.except };
    const type = requestTypes[request.kind];
    switch (request.kind) {
      case "join":
      case "leave":
        return JSON.stringify({ type, opts, rooms: request.rooms });
      case "disconnect":
        return JSON.stringify({ type, opts, close: request.close });
      case "serverSideEmit":
        return this.#message(request.event, (w) => {
          w.mapHeader(3);
          w.string("uid");
          w.string(uid);
          w.string("type");
          w.number(type);
          w.string("data");
          w.event(request.event, request.args, undefined);
        });
    }
  }

  /**
   * Returns a request in JSON, or in MessagePack when it holds binary, which adapters from 7.2 on read. Older ones ignore
   * it, or end their server; so the servers are asked first.
   */
  #message(event: string, write: (w: Writer) => void): string | Uint8Array {
    const message = jsonUnlessBinary(write);
    if (typeof message !== "string" && this.#options.json) {
      throw binaryInJSON(event);
    }
    return message;
  }

  endsServers([, , message]: Command): boolean {
    return typeof message !== "string";
  }

  question(target: Target, question: Question, id: string, timeout: number): Command {
    const type = requestTypes[question.kind];
    const channel = this.#requestChannel(target.frame.nsp);
    switch (question.kind) {
      case "rooms":
        return ["PUBLISH", channel, JSON.stringify({ uid, requestId: id, type })];
      case "fetchSockets": {
        const opts = { rooms: target.rooms, except: target.frame.except };
        return ["PUBLISH", channel, JSON.stringify({ uid, requestId: id, type, opts })];
      }
      case "serverSideEmit":
      case "emitWithAck": {
        const { event, args } = question;
        const message = this.#message(event, (w) => {
          w.mapHeader(question.kind === "emitWithAck" ? 5 : 4);
          w.string("uid");
          w.string(uid);
          w.string("requestId");
          w.string(id);
          w.string("type");
          w.number(type);
          if (question.kind === "serverSideEmit") {
            w.string("data");
            w.event(event, args, undefined);
            return;
          }
          w.string("packet");
          w.mapHeader(3);
          w.string("type");
          w.number(eventPacket);
          w.string("data");
          w.event(event, args, this.#options.maxAttachments);
          w.string("nsp");
          w.string(target.frame.nsp);
          w.string("opts");
          writeOptions(w, target, timeout);
        });
        return ["PUBLISH", channel, message];
      }
    }
  }

  harmless(nsp: string, requestId: string): Command {
    const request = { uid, requestId, type: requestTypes.socketIds, rooms: [nobody()] };
    return ["PUBLISH", this.#requestChannel(nsp), JSON.stringify(request)];
  }

  /** The second one is that of servers with publishOnSpecificResponseChannel. */
  replyChannels(nsp: string): { channels: string[]; shard: false } {
    const channel = `${this.#options.key}-response#${nsp}#`;
    return { channels: [channel, `${channel}${uid}#`], shard: false };
  }

  needs(kind: Question["kind"]): string {
    switch (kind) {
      case "emitWithAck":
        return "@socket.io/redis-adapter 7.2 or later";
      case "serverSideEmit":
        return `@socket.io/redis-adapter 7.0 or later and ${needsHandler}`;
      default:
        return "socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later";
    }
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

function binaryInJSON(event: string): SioemitError {
  return new SioemitError("binary-in-json", `event "${event}" has a binary argument, and the codec is json`);
}
