import { SioemitError } from "./errors.js";

/** A room: its name, or a number for a room that servers joined with `socket.join(5)`. */
export type Room = string | number;

/** Events that no client survives, or that a server takes for its own. */
const reservedEvents: ReadonlySet<unknown> = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

/**
 * Events of the servers' namespaces: "connection" would call the handlers with no socket, and "error" would end a server
 * that has no listener for it.
 */
const reservedServerSide: ReadonlySet<unknown> = new Set(["connect", "connection", "error", "new_namespace"]);

/** The last event that was found right: most are like the one before. */
let lastEvent: unknown;

/** Refuses what is no name of an event for clients. */
export function checkEvent(event: unknown): asserts event is string {
  if (event !== lastEvent || lastEvent === undefined) {
    checkEventName(event, reservedEvents);
    lastEvent = event;
  }
}

/** Refuses what is no name of an event for servers. */
export function checkServerSideEvent(event: unknown): asserts event is string {
  checkEventName(event, reservedServerSide);
}

function checkEventName(event: unknown, reserved: ReadonlySet<unknown>): void {
  if (event === undefined || event === null || event === "") {
    throw new SioemitError("empty-event", "the event has no name");
  }
  if (typeof event !== "string") {
    throw new SioemitError("invalid-text", `the name of an event is text, not ${kindOf(event)}`);
  }
  if (reserved.has(event)) {
    throw new SioemitError("reserved-event", `the event "${event}" is reserved by Socket.IO; choose another name`);
  }
  checkText("the event", event);
}

/**
 * Returns the only room of a list when it can have a channel of its own. A number has none: some servers look for the
 * text of the channel among their rooms, and would ignore the event.
 */
export function onlyRoom(rooms: readonly Room[]): string | undefined {
  const [room] = rooms;
  return rooms.length === 1 && typeof room === "string" ? room : undefined;
}

/** Refuses text with half a surrogate pair, which UTF-8 has no form for. */
export function checkText(what: string, text: string): void {
  if (!text.isWellFormed()) {
    throw new SioemitError("invalid-text", `${what} ${JSON.stringify(text)} is not valid Unicode`);
  }
}

function checkRoom(room: unknown): asserts room is Room {
  if (typeof room === "string") {
    if (room === "") {
      throw new SioemitError("empty-room", "the name of the room is empty; was a variable not set?");
    }
    checkText("the room", room);
    return;
  }
  if (room === undefined || room === null) {
    throw new SioemitError("empty-room", `the room is ${room}; was a variable not set?`);
  }
  if (typeof room !== "number" || !Number.isFinite(room)) {
    throw new SioemitError("invalid-text", `a room is text or a number, not ${kindOf(room)}`);
  }
}

/** Rooms as callers give them: one, several, or lists. */
export type Rooms = readonly (Room | readonly Room[])[];

const none: readonly Room[] = [];

/**
 * Returns the rooms as one list, each of them once, behind those of a list that is not changed. An empty list is
 * refused: it must not reach everyone.
 */
export function addRooms(call: string, list: readonly Room[], rooms: Rooms): readonly Room[] {
  if (rooms.length === 0) {
    throw new SioemitError("empty-room", `${call} without a room`);
  }
  const [only] = rooms;
  if (rooms.length === 1 && list.length === 0 && !Array.isArray(only)) {
    checkRoom(only);
    return [only];
  }
  const all = new Set(list);
  for (const entry of rooms) {
    const some: readonly unknown[] = Array.isArray(entry) ? entry : [entry];
    if (some.length === 0) {
      throw new SioemitError("empty-room", `${call} with an empty list of rooms`);
    }
    for (const room of some) {
      checkRoom(room);
      all.add(room);
    }
  }
  return [...all];
}

/** Like addRooms, but nobody may be left out. */
export function addExcept(list: readonly Room[], rooms: Rooms): readonly Room[] {
  const some = rooms.filter((entry) => !Array.isArray(entry) || entry.length > 0);
  return some.length === 0 ? (list.length === 0 ? none : list) : addRooms("except", list, some);
}

/** The form of the ids that engine.io makes. */
const engineId = /[0-9A-Za-z_-]{20}/;

/** Returns a pattern that matches the whole of what a pattern matches. */
export function whole(pattern: RegExp = engineId): RegExp {
  // Not ^ and $, which the flag m gives another meaning.
  return new RegExp(`(?<![^])(?:${pattern.source})(?![^])`, pattern.flags.replace(/[gy]/g, ""));
}

/**
 * Refuses what is no socket id. In namespaces other than "/", Socket.IO 1 and 2 put the namespace and a # before the
 * id.
 */
export function checkSocketIds(rooms: readonly Room[], ids: RegExp, serverVersion: number): void {
  for (const room of rooms) {
    if (typeof room === "string") {
      const cut = room.indexOf("#");
      const bare = serverVersion < 3 && room.startsWith("/") && cut > 0 ? room.slice(cut + 1) : room;
      if (ids.test(room) || ids.test(bare)) {
        continue;
      }
    }
    throw new SioemitError(
      "except-room",
      `except ${JSON.stringify(room)}: servers before Socket.IO 4, and those in Python, can leave out socket ids only, ` +
        "and would ignore a room; the option socketIds says what ids look like, if the servers make their own",
    );
  }
}

/** Names a value for people, without its content. */
export function kindOf(value: unknown): string {
  if (value === null) {
    return "null";
  }
  switch (typeof value) {
    case "number":
      return String(value);
    case "object":
      return `an object (${Object.prototype.toString.call(value).slice(8, -1)})`;
    case "undefined":
      return "undefined";
    default:
      return `a ${typeof value}`;
  }
}
