import { eventPacket, type Request, uid } from "./adapter.js";
import { toJSON } from "./json.js";
import { type Writer, withWriter } from "./msgpack.js";
import { flagsOf, type Target } from "./target.js";
import { writeFlags, writeRooms } from "./write.js";

/** The types of the messages between servers whose adapter extends ClusterAdapter of socket.io-adapter. */
export const messageTypes = { broadcast: 3, join: 4, leave: 5, disconnect: 6, serverSideEmit: 9 } as const;

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

/** Writes the data of a broadcast: {packet: {type, data}, opts}. */
export function writeBroadcast(
  w: Writer,
  target: Target,
  event: string,
  args: readonly unknown[],
  maxAttachments: number,
): void {
  w.mapHeader(2);
  w.string("packet");
  w.mapHeader(2);
  w.string("type");
  w.number(eventPacket);
  w.string("data");
  w.event(event, args, maxAttachments);
  w.string("opts");
  w.mapHeader(3);
  w.string("rooms");
  writeRooms(w, target.rooms);
  w.string("except");
  writeRooms(w, target.frame.except);
  w.string("flags");
  writeFlags(w, target.frame);
}

/** Writes the data of a serverSideEmit: {packet}. */
export function writeServerSideEmit(w: Writer, event: string, args: readonly unknown[]): void {
  w.mapHeader(1);
  w.string("packet");
  w.event(event, args, undefined);
}

/** Returns the data of a request that never holds binary. */
export function requestData(target: Target, request: Exclude<Request, { kind: "serverSideEmit" }>): string {
  const opts = { rooms: target.rooms, except: target.frame.except, flags: flagsOf(target.frame) };
  return JSON.stringify(
    request.kind === "disconnect" ? { opts, close: request.close } : { opts, rooms: request.rooms },
  );
}

/** Returns what a function writes as JSON, or as MessagePack when it holds binary. */
export function jsonUnlessBinary(write: (w: Writer) => void): string | Uint8Array {
  return withWriter((w) => {
    write(w);
    return w.binaries > 0 ? w.finish() : toJSON(w.written(0));
  });
}
