export type { RedisClient } from "./client.js";
export { Emitter } from "./emitter.js";
export { type Reason, SioemitError } from "./errors.js";
export type { Room } from "./names.js";
export { BroadcastOperator } from "./operator.js";
export type { EmitterOptions } from "./options.js";
export type { SubscriptionMode } from "./sharded.js";
export type { DefaultEventsMap, EventNames, EventParams, EventsMap } from "./typed-events.js";
