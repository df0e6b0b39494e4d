import { type Command, isAsking, type Question, type Request } from "./adapter.js";
import type { Call } from "./ask.js";
import {
  AckCollector,
  type Acks,
  type Collector,
  RoomCollector,
  ServerSideCollector,
  type Socket,
  SocketCollector,
  SocketRoomCollector,
} from "./collectors.js";
import { defaultTimeout, type Patience } from "./deadline.js";
import { SioemitError } from "./errors.js";
import {
  addExcept,
  addRooms,
  checkEvent,
  checkServerSideEvent,
  checkSocketIds,
  checkText,
  kindOf,
  type Rooms,
} from "./names.js";
import type { Sender } from "./sender.js";
import { Target, withSlash } from "./target.js";
import type {
  AckParams,
  AckValue,
  DefaultEventsMap,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventsMap,
} from "./typed-events.js";

const usualPatience: Patience = { timeout: defaultTimeout, signal: undefined };

/** The longest time that a timer takes, in milliseconds. */
const longest = 2 ** 31 - 1;

/**
 * A target: a namespace, rooms and flags. It never changes; its methods return new ones, which can be kept and shared.
 *
 * What is wrong with a call rejects its promise, with a SioemitError, and then nothing was sent, unless its reason is
 * "redis". A promise that nobody takes ends no process: see EmitterOptions.onError.
 */
export class BroadcastOperator<
  EmitEvents extends EventsMap = DefaultEventsMap,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
  SocketData = any,
> {
  readonly #sender: Sender;
  readonly #target: Target;
  /** What was wrong with the target: each call is refused with it. */
  readonly #refusal: unknown;
  readonly #patience: Patience;

  /** @internal */
  constructor(sender: Sender, target: Target, refusal?: unknown, patience: Patience = usualPatience) {
    this.#sender = sender;
    this.#target = target;
    this.#refusal = refusal;
    this.#patience = patience;
  }

  /** Targets another namespace, in which rooms and flags are kept. The leading slash may be left out. */
  of(nsp: string): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#derive((target) => target.with({ nsp: checkNamespace(nsp) }));
  }

  /**
   * Targets rooms, besides those already targeted. A client that is in several of them gets the event once. A number is
   * a room that servers joined as a number. A socket id is a room with one client in it. Without any room, as with an
   * empty list, calls are refused: such a list must not reach everyone.
   */
  to(...rooms: Rooms): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#derive((target) => new Target(target.frame, addRooms("to", target.rooms, rooms)));
  }

  /** The same as to. */
  in(...rooms: Rooms): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#derive((target) => new Target(target.frame, addRooms("in", target.rooms, rooms)));
  }

  /**
   * Leaves out the clients in any of the rooms. Servers before Socket.IO 4, and those in Python, can leave out socket ids
   * only.
   */
  except(...rooms: Rooms): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#derive((target) => {
      const except = addExcept(target.frame.except, rooms);
      const { socketIds, serverVersion } = this.#sender.settings;
      if (socketIds !== undefined) {
        checkSocketIds(except, socketIds, serverVersion);
      }
      return target.with({ except });
    });
  }

  /** Lets servers drop the event for clients that are not ready to receive it. */
  get volatile(): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#derive((target) => target.with({ volatile: true }));
  }

  /** Says whether servers may compress the event. */
  compress(compress: boolean): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#derive((target) => target.with({ compress: Boolean(compress) }));
  }

  /** Sends an event to the clients targeted. The promise is fulfilled once Redis has taken it. */
  emit<Ev extends EventNames<EmitEvents>>(event: Ev, ...args: EventParams<EmitEvents, Ev>): Promise<void> {
    let command: Command;
    try {
      this.#check();
      checkEvent(event);
      command = this.#sender.settings.adapter.broadcast(this.#target, event, args);
    } catch (error) {
      return this.#sender.refuse(error);
    }
    return this.#sender.send(command, this.#target.frame.nsp);
  }

  /** Sets how long calls with answers wait for them, in milliseconds; 5,000 by default. */
  timeout(ms: number): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#wait(() => {
      if (typeof ms !== "number" || !(ms > 0) || ms > longest) {
        throw new SioemitError("timeout", `a timeout is more than 0 and at most ${longest} ms, not ${kindOf(ms)}`);
      }
      return { ...this.#patience, timeout: ms };
    });
  }

  /** Ends calls with answers when a signal is aborted, as by their timeout. */
  signal(signal: AbortSignal): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    return this.#wait(() => {
      if (!(signal instanceof AbortSignal)) {
        throw new SioemitError("timeout", `signal takes an AbortSignal, not ${kindOf(signal)}`);
      }
      return { ...this.#patience, signal };
    });
  }

  /**
   * Sends an event to the clients targeted and waits until each has acknowledged it. It is rejected with an
   * IncompleteError, beside what came, when some have not in time. The classic adapter needs version 7.2.
   */
  emitWithAck<Ev extends EventNamesWithAck<EmitEvents>>(
    event: Ev,
    ...args: AckParams<EmitEvents, Ev>
  ): Promise<Acks<AckValue<EmitEvents, Ev>>> {
    return this.#ask("emitWithAck", () => {
      checkEvent(event);
      return [{ kind: "emitWithAck", event, args }, () => new AckCollector()];
    });
  }

  /**
   * Returns the clients targeted, those of all servers. Each server writes down socket.data of its clients to answer;
   * one whose data is circular ends then.
   */
  fetchSockets(): Promise<Socket<SocketData>[]> {
    return this.#ask("fetchSockets", () => [{ kind: "fetchSockets" }, () => new SocketCollector()]);
  }

  /**
   * Sends an event to the servers of the namespace and returns what each answers, in the order of arrival. A server
   * without a handler for it never does. The classic adapter needs version 7.
   */
  serverSideEmitWithAck<Ev extends EventNamesWithAck<ServerSideEvents>>(
    event: Ev,
    ...args: AckParams<ServerSideEvents, Ev>
  ): Promise<AckValue<ServerSideEvents, Ev>[]> {
    return this.#ask("serverSideEmitWithAck", () => {
      checkServerSideEvent(event);
      this.#checkUntargeted("serverSideEmitWithAck");
      return [{ kind: "serverSideEmit", event, args }, () => new ServerSideCollector()];
    });
  }

  /**
   * Returns the names of all rooms of the namespace, sorted, but for those that are numbers. The id of each socket is the
   * name of a room, too.
   */
  rooms(): Promise<string[]> {
    return this.#ask("rooms", () => {
      this.#checkUntargeted("rooms");
      const { adapter } = this.#sender.settings;
      return isAsking(adapter) && adapter.roomsQuestion === "rooms"
        ? [{ kind: "rooms" }, () => new RoomCollector()]
        : [{ kind: "fetchSockets" }, () => new SocketRoomCollector()];
    });
  }

  /**
   * Returns once every server of the namespace has taken all that this emitter sent there before, with how many servers
   * have. Rooms and flags make no difference.
   *
   * It asks the servers a question that changes nothing, behind the events, and looks at what has become of the connections
   * that carry them. It is rejected with an UnconfirmedError when the answers prove nothing, and with an IncompleteError when
   * some servers do not answer in time; the next confirm is about the same events then. The first confirm of an emitter
   * cannot tell a server that has just started from one that has just come back: call it once before the first event. The
   * classic adapter needs version 6.1.
   */
  confirm(): Promise<number> {
    try {
      this.#check();
      this.#checkVersion("confirm");
    } catch (error) {
      return this.#sender.refuse(error);
    }
    return this.#sender.confirm({ name: "confirm", target: this.#target, patience: this.#patience });
  }

  /** Makes the clients targeted join rooms. */
  socketsJoin(...rooms: Rooms): Promise<void> {
    return this.#request("socketsJoin", () => ({ kind: "join", rooms: addRooms("socketsJoin", [], rooms) }));
  }

  /** Makes the clients targeted leave rooms. */
  socketsLeave(...rooms: Rooms): Promise<void> {
    return this.#request("socketsLeave", () => ({ kind: "leave", rooms: addRooms("socketsLeave", [], rooms) }));
  }

  /** Disconnects the clients targeted from the namespace; with close, it closes their connections. */
  disconnectSockets(close = false): Promise<void> {
    return this.#request("disconnectSockets", () => ({ kind: "disconnect", close: Boolean(close) }));
  }

  /**
   * Sends an event to the servers of the namespace, where io.on(event) receives it. Rooms are refused: it goes to the
   * servers.
   */
  serverSideEmit<Ev extends EventNames<ServerSideEvents>>(
    event: Ev,
    ...args: EventParams<ServerSideEvents, Ev>
  ): Promise<void> {
    return this.#request("serverSideEmit", () => {
      checkServerSideEvent(event);
      this.#checkUntargeted("serverSideEmit");
      return { kind: "serverSideEmit", event, args };
    });
  }

  /**
   * Returns how many servers listen on the namespace; on a Redis Cluster it asks all nodes. Rooms are refused: a server
   * listens to its whole namespace.
   */
  serverCount(): Promise<number> {
    try {
      this.#check();
      this.#checkUntargeted("serverCount");
    } catch (error) {
      return this.#sender.refuse(error);
    }
    return this.#sender.serverCount(this.#target.frame.nsp);
  }

  #request(call: string, make: () => Request): Promise<void> {
    let command: Command;
    try {
      this.#check();
      const request = make();
      this.#checkVersion(call);
      const { adapter } = this.#sender.settings;
      command = adapter.request(this.#target, request);
      if (isAsking(adapter) && adapter.endsServers(command)) {
        return this.#sender.sendBinary(command, { name: call, target: this.#target, patience: this.#patience });
      }
    } catch (error) {
      return this.#sender.refuse(error);
    }
    return this.#sender.send(command, this.#target.frame.nsp);
  }

  #ask<T>(name: string, make: () => [Question, () => Collector<unknown>]): Promise<T> {
    let call: Call<unknown>;
    try {
      this.#check();
      const [question, collector] = make();
      this.#checkVersion(name);
      call = { name, target: this.#target, patience: this.#patience, question, collector };
    } catch (error) {
      return this.#sender.refuse(error);
    }
    return this.#sender.ask(call as Call<T>);
  }

  #checkVersion(call: string): void {
    const { serverVersion } = this.#sender.settings;
    if (serverVersion < 4) {
      throw new SioemitError("needs-version-4", `${call} needs servers with Socket.IO 4, not ${serverVersion}`);
    }
  }

  #check(): void {
    if (this.#refusal !== undefined) {
      throw this.#refusal;
    }
  }

  #checkUntargeted(call: string): void {
    if (this.#target.rooms.length > 0 || this.#target.frame.except.length > 0) {
      throw new SioemitError("targeted", `${call} goes to the servers of a namespace and takes no rooms`);
    }
  }

  #derive(change: (target: Target) => Target): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    let target = this.#target;
    let refusal = this.#refusal;
    try {
      target = change(target);
    } catch (error) {
      refusal ??= error;
    }
    return new BroadcastOperator(this.#sender, target, refusal, this.#patience);
  }

  #wait(change: () => Patience): BroadcastOperator<EmitEvents, ServerSideEvents, SocketData> {
    let patience = this.#patience;
    let refusal = this.#refusal;
    try {
      patience = change();
    } catch (error) {
      refusal ??= error;
    }
    return new BroadcastOperator(this.#sender, this.#target, refusal, patience);
  }
}

/** Returns the name of a namespace with its slash, and refuses what is none. */
export function checkNamespace(nsp: unknown): string {
  if (typeof nsp !== "string") {
    throw new SioemitError("invalid-text", `a namespace is text, not ${kindOf(nsp)}`);
  }
  checkText("the namespace", nsp);
  return withSlash(nsp);
}
