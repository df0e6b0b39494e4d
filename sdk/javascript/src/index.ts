export type { RedisClient } from "./client.js";
export type { Acks, Handshake, Socket } from "./collectors.js";
export { Emitter } from "./emitter.js";
export { IncompleteError, type Reason, SioemitError, UnconfirmedError } from "./errors.js";
export type { Room } from "./names.js";
export { BroadcastOperator } from "./operator.js";
export type { EmitterOptions } from "./options.js";
export type { SubscriptionMode } from "./sharded.js";
export type {
  AckParams,
  AckValue,
  DefaultEventsMap,
  EventNames,
  EventNamesWithAck,
  EventParams,
  EventsMap,
} from "./typed-events.js";
