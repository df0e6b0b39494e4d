// Compiled only: the types that users meet.
import { Cluster, Redis } from "ioredis";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";
import { type BroadcastOperator, Emitter, type EmitterOptions, type Reason, type Room, SioemitError } from "sioemit";

interface Events {
  "order:paid": (order: { id: number }) => void;
  ping: () => void;
}

interface ServerEvents {
  reload: (what: string) => void;
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

export function reasonOf(error: unknown): Reason | undefined {
  const room: Room = 5;
  const options: EmitterOptions = { key: undefined, onError: ({ reason }) => reason };
  return error instanceof SioemitError && options.key === undefined && room === 5 ? error.reason : undefined;
}
