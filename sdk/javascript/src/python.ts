import { type Adapter, type Command, type Request, uid } from "./adapter.js";
import { argumentError, SioemitError } from "./errors.js";
import { detach, Placeholder } from "./json.js";
import { withWriter } from "./msgpack.js";
import type { Room } from "./names.js";
import type { Target } from "./target.js";

/** How deep an argument may nest: Python gives up at 1,000 calls that are open at once, and these servers have two a level. */
const maxLevels = 300;

interface PythonOptions {
  channel: string;
  allowBinary: boolean;
  maxAttachments: number;
  /** What the target of a request must look like. */
  socketIds: RegExp;
}

/** RedisManager and AsyncRedisManager of python-socketio 5.15.1 and later, which Flask-SocketIO uses as well. */
export class Python implements Adapter {
  readonly #options: PythonOptions;

  constructor(options: PythonOptions) {
    this.#options = options;
  }

  /** Flags are left out, because these servers know none. */
  broadcast({ frame, rooms }: Target, event: string, args: readonly unknown[]): Command {
    const { values, attachments } = this.#detached(event, args);
    const binary = attachments.length > 0;
    return this.#publish({
      method: "emit",
      event,
      data: binary ? [values, ...attachments] : values,
      binary,
      namespace: frame.nsp,
      room: noneOneOrList(rooms.map(checked)),
      skip_sid: noneOneOrList(frame.except),
      callback: null,
      host_id: uid,
    });
  }

  /** Returns the arguments as JSON has them, and their binary. */
  #detached(event: string, args: readonly unknown[]): { values: unknown[]; attachments: string[] } {
    const { allowBinary, maxAttachments } = this.#options;
    return withWriter((w) => {
      w.event(event, args, allowBinary ? maxAttachments : undefined);
      const { data, attachments } = detach(w.written(0));
      const values = data.slice(1);
      for (const [index, value] of values.entries()) {
        if (value === null && values.length === 1) {
          throw argumentError("unencodable", event, index, "null as the only argument arrives as none; send none");
        }
        check(event, index, value, 0, allowBinary);
      }
      return { values, attachments };
    });
  }

  request(target: Target, request: Request): Command {
    const message = this.#requestMessage(target, request);
    if (message === undefined) {
      throw new SioemitError("no-counterpart", `servers in Python know no such call: ${known[request.kind]}`);
    }
    return this.#publish({ ...message, namespace: target.frame.nsp, host_id: uid });
  }

  /** Returns the first members of a request, and undefined for one that these servers have no message for. */
  #requestMessage({ frame, rooms }: Target, request: Request): object | undefined {
    if (request.kind === "serverSideEmit" || frame.except.length > 0 || rooms.length > 1) {
      return undefined;
    }
    const [sid] = rooms;
    const isSocket = typeof sid === "string" && this.#options.socketIds.test(sid);
    if (request.kind === "disconnect") {
      return isSocket && !request.close ? { method: "disconnect", sid } : undefined;
    }
    const [room, ...others] = request.rooms;
    if (others.length > 0) {
      return undefined;
    }
    if (isSocket) {
      return { method: request.kind === "join" ? "enter_room" : "leave_room", sid, room: checked(room as Room) };
    }
    return request.kind === "leave" && sid === undefined
      ? { method: "close_room", room: checked(room as Room) }
      : undefined;
  }

  #publish(message: object): Command {
    return ["PUBLISH", this.#options.channel, JSON.stringify(message)];
  }

  /** Each server subscribes once, for all namespaces. */
  listeners(): ["NUMSUB", string] {
    return ["NUMSUB", this.#options.channel];
  }
}

/** What there is instead of a request that has no counterpart. */
const known = {
  join: "one socket joins one room there, and its id is the target",
  leave: "one socket, whose id is the target, or everyone leaves one room there",
  disconnect: "one socket, whose id is the target, leaves its namespace there, and keeps its connection",
  serverSideEmit: "they have no events among themselves",
} as const;

/** Refuses what these servers cannot read, in an argument as JSON has it. */
function check(event: string, index: number, value: unknown, level: number, allowBinary: boolean): void {
  if (typeof value !== "object" || value === null) {
    return;
  }
  if (value instanceof Placeholder && !allowBinary) {
    throw argumentError(
      "unencodable",
      event,
      index,
      "binary disconnects clients on HTTP long-polling where others use websocket; " +
        "the option allowBinary is for clients that all use the same transport",
    );
  }
  if (level === maxLevels) {
    throw argumentError("too-deep", event, index, `it has more than ${maxLevels} levels, which Python cannot read`);
  }
  for (const member of Object.values(value)) {
    check(event, index, member, level + 1, allowBinary);
  }
}

/** Refuses a number that may stand for others: one that is not safe is the nearest to several whole numbers of Python's. */
function checked(room: Room): Room {
  if (typeof room === "number" && Math.abs(room) > Number.MAX_SAFE_INTEGER) {
    throw new SioemitError(
      "no-counterpart",
      `the room ${room}: Python tells numbers from 2^53 up apart that are the same one here`,
    );
  }
  return room;
}

function noneOneOrList(rooms: readonly Room[]): Room | readonly Room[] | null {
  return rooms.length > 1 ? rooms : (rooms[0] ?? null);
}
