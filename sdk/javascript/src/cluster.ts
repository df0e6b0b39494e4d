import { eventPacket, type Question, type Request, uid } from "./adapter.js";
import type { Writer } from "./msgpack.js";
import { flagsOf, type Target } from "./target.js";
import { writeOptions } from "./write.js";

/** The types of the messages between servers whose adapter extends ClusterAdapter of socket.io-adapter. */
export const messageTypes = {
  broadcast: 3,
  join: 4,
  leave: 5,
  disconnect: 6,
  fetchSockets: 7,
  serverSideEmit: 9,
} as const;

/** Returns a message of its data in JSON, with the keys in the order of the official servers. */
export function wrapJSON(type: number, nsp: string, data: string): string {
  return `{"type":${type},"data":${data},"uid":"${uid}","nsp":${JSON.stringify(nsp)}}`;
}

/** Writes a message around its data. */
export function wrap(w: Writer, type: number, nsp: string, data: () => void): void {
  w.mapHeader(4);
  w.string("type");
  w.number(type);
  w.string("data");
  data();
  w.string("uid");
  w.string(uid);
  w.string("nsp");
  w.string(nsp);
}

function writePacket(w: Writer, event: string, args: readonly unknown[], maxAttachments: number): void {
  w.string("packet");
  w.mapHeader(2);
  w.string("type");
  w.number(eventPacket);
  w.string("data");
  w.event(event, args, maxAttachments);
}

/** Writes the data of a broadcast: {packet: {type, data}, opts}. */
export function writeBroadcast(
  w: Writer,
  target: Target,
  event: string,
  args: readonly unknown[],
  maxAttachments: number,
): void {
  w.mapHeader(2);
  writePacket(w, event, args, maxAttachments);
  w.string("opts");
  writeOptions(w, target);
}

/** Writes the data of a serverSideEmit: {packet}. */
export function writeServerSideEmit(w: Writer, event: string, args: readonly unknown[]): void {
  w.mapHeader(1);
  w.string("packet");
  w.event(event, args, undefined);
}

/** Writes a message that servers answer. */
export function writeQuestion(
  w: Writer,
  target: Target,
  question: Question,
  asked: { id: string; timeout: number; maxAttachments: number },
): void {
  const { nsp } = target.frame;
  const requestId = () => {
    w.string("requestId");
    w.string(asked.id);
  };
  switch (question.kind) {
    case "emitWithAck":
      wrap(w, messageTypes.broadcast, nsp, () => {
        w.mapHeader(3);
        writePacket(w, question.event, question.args, asked.maxAttachments);
        w.string("opts");
        writeOptions(w, target, asked.timeout);
        requestId();
      });
      break;
    case "serverSideEmit":
      wrap(w, messageTypes.serverSideEmit, nsp, () => {
        w.mapHeader(2);
        w.string("packet");
        w.event(question.event, question.args, undefined);
        requestId();
      });
      break;
    default: // the names of rooms are those of all sockets
      wrap(w, messageTypes.fetchSockets, nsp, () => {
        w.mapHeader(2);
        w.string("opts");
        writeOptions(w, target);
        requestId();
      });
  }
}

/** Returns the data of a request that never holds binary. */
export function requestData(target: Target, request: Exclude<Request, { kind: "serverSideEmit" }>): string {
  const opts = { rooms: target.rooms, except: target.frame.except, flags: flagsOf(target.frame) };
  return JSON.stringify(
    request.kind === "disconnect" ? { opts, close: request.close } : { opts, rooms: request.rooms },
  );
}
