// Compiled only: the types that users meet.
import { Cluster, Redis } from "ioredis";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";
import {
  type Acks,
  type BroadcastOperator,
  Emitter,
  type EmitterOptions,
  IncompleteError,
  type Reason,
  type Room,
  SioemitError,
  type Socket,
  UnconfirmedError,
} from "sioemit";

interface Events {
  "order:paid": (order: { id: number }) => void;
  ping: () => void;
  "ready?": (round: number, answer: (name: string, more: number) => void) => void;
  "nothing?": (answer: () => void) => void;
}

interface ServerEvents {
  reload: (what: string) => void;
  status: (answer: (load: number) => void) => void;
}

export const emitters = [
  new Emitter(redis5.createClient()),
  new Emitter(redis5.createCluster({ rootNodes: [] })),
  new Emitter(redis5.createClientPool()),
  new Emitter(redis5.createSentinel({ name: "x", sentinelRootNodes: [] })),
  new Emitter(redis6.createClient()),
  new Emitter(redis6.createCluster({ rootNodes: [] })),
  new Emitter(redis6.createClientPool()),
  new Emitter(redis6.createSentinel({ name: "x", sentinelRootNodes: [] })),
  new Emitter(new Redis()),
  new Emitter(new Cluster([])),
  // @ts-expect-error: no client
  new Emitter("redis://localhost"),
  // @ts-expect-error: no such option
  new Emitter(new Redis(), { adaptor: "sharded" }),
  // @ts-expect-error: no such version
  new Emitter(new Redis(), { serverVersion: 5 }),
];

export async function typed(client: Redis): Promise<void> {
  const io = new Emitter<Events, ServerEvents>(client, { adapter: "sharded", subscriptionMode: "static" });
  await io.emit("ping");
  await io.to("a").in(["b", 5]).except("c").volatile.compress(false).emit("order:paid", { id: 1 });
  await io.of("/admin").to(5).emit("ping");
  await io.serverSideEmit("reload", "all");
  await io.pipeline((io) => io.to("a").emit("order:paid", { id: 2 }));
  const count: number = await io.serverCount();
  const op: BroadcastOperator<Events, ServerEvents> = io.to("a");
  await op.disconnectSockets(count > 1);
  // @ts-expect-error: no such event
  await io.emit("order:lost");
  // @ts-expect-error: another argument
  await io.emit("order:paid", { id: "1" });
  // @ts-expect-error: an argument too many
  await io.emit("ping", 1);
  // @ts-expect-error: no such event for servers
  await io.serverSideEmit("ping");
  // @ts-expect-error: no room
  await io.to({}).emit("ping");
}

export async function asking(client: Redis): Promise<void> {
  const io = new Emitter<Events, ServerEvents, { user: string }>(client);
  const { values, clients }: { values: string[]; clients: number } = await io.emitWithAck("ready?", 7);
  const nothing: null[] = (await io.to("a").timeout(100).emitWithAck("nothing?")).values;
  const loads: number[] = await io.of("/admin").serverSideEmitWithAck("status");
  const sockets: Socket<{ user: string }>[] = await io.signal(AbortSignal.timeout(clients)).fetchSockets();
  const names: string[] = [...(await io.rooms()), ...values, ...sockets.map(({ data }) => data.user)];
  const acks: Acks<string> = await io.emitWithAck("ready?", names.length + nothing.length + loads.length);
  // biome-ignore lint/suspicious/noExplicitAny: what the values of events without types are
  const untyped: any[] = (await new Emitter(client).emitWithAck("whatever", acks, 1)).values;
  const confirmed: number = await io.to("a").signal(AbortSignal.timeout(acks.servers)).confirm();
  // @ts-expect-error: an event without a callback
  await io.emitWithAck("ping");
  // @ts-expect-error: an argument is missing
  await io.emitWithAck("ready?");
  // @ts-expect-error: another argument
  await io.emitWithAck("ready?", "7");
  // @ts-expect-error: the callback is not given
  await io.emitWithAck("ready?", 7, () => {});
  // @ts-expect-error: an event without a callback
  await io.serverSideEmitWithAck("reload", "all");
  // @ts-expect-error: text
  const numbers: number[] = (await io.emitWithAck("ready?", 7)).values;
  io.close();
  throw new Error(String([untyped, numbers, confirmed]));
}

export function missingOf(error: unknown): number {
  if (error instanceof UnconfirmedError) {
    return error.servers;
  }
  return error instanceof IncompleteError ? error.asked - error.servers + error.expected - error.clients : 0;
}

export function reasonOf(error: unknown): Reason | undefined {
  const room: Room = 5;
  const options: EmitterOptions = { key: undefined, onError: ({ reason }) => reason };
  return error instanceof SioemitError && options.key === undefined && room === 5 ? error.reason : undefined;
}
