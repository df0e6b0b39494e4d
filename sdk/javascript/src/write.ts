import type { Writer } from "./msgpack.js";
import type { Room } from "./names.js";
import type { Frame } from "./target.js";

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

/** Writes only the flags that are set, as the official emitter does. */
export function writeFlags(w: Writer, { volatile, compress }: Frame): void {
  w.mapHeader((volatile ? 1 : 0) + (compress === undefined ? 0 : 1));
  if (volatile) {
    w.string("volatile");
    w.boolean(true);
  }
  if (compress !== undefined) {
    w.string("compress");
    w.boolean(compress);
  }
}
