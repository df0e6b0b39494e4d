import { toJSON } from "./json.js";
import { type Writer, withWriter } from "./msgpack.js";
import type { Room } from "./names.js";
import type { Frame, Target } from "./target.js";

export function writeRooms(w: Writer, rooms: readonly Room[]): void {
  w.arrayHeader(rooms.length);
  for (const room of rooms) {
    if (typeof room === "string") {
      w.string(room);
    } else {
      w.number(room);
    }
  }
}

/**
 * Writes only the flags that are set, as the official emitter does. The timeout is that of acknowledgements; 0 where none
 * are awaited.
 */
export function writeFlags(w: Writer, { volatile, compress }: Frame, timeout = 0): void {
  w.mapHeader((volatile ? 1 : 0) + (compress === undefined ? 0 : 1) + (timeout === 0 ? 0 : 1));
  if (volatile) {
    w.string("volatile");
    w.boolean(true);
  }
  if (compress !== undefined) {
    w.string("compress");
    w.boolean(compress);
  }
  if (timeout !== 0) {
    w.string("timeout");
    w.number(timeout);
  }
}

/** Writes the options of a target: {rooms, except, flags}. */
export function writeOptions(w: Writer, { rooms, frame }: Target, timeout = 0): void {
  w.mapHeader(3);
  w.string("rooms");
  writeRooms(w, rooms);
  w.string("except");
  writeRooms(w, frame.except);
  w.string("flags");
  writeFlags(w, frame, timeout);
}

/** Returns what a function writes as JSON, or as MessagePack when it holds binary. */
export function jsonUnlessBinary(write: (w: Writer) => void): string | Uint8Array {
  return withWriter((w) => {
    write(w);
    return w.binaries > 0 ? w.finish() : toJSON(w.written(0));
  });
}
