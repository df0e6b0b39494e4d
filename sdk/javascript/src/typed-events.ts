/** What maps the names of events to the type of their listener. */
export interface EventsMap {
  // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
  [event: string]: any;
}

/** The events map when none is given: any name, any data. */
export interface DefaultEventsMap {
  // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
  [event: string]: (...args: any[]) => void;
}

/** The names of the events in a map. */
export type EventNames<Map extends EventsMap> = keyof Map & (string | symbol);

/** The arguments of an event. */
export type EventParams<Map extends EventsMap, Ev extends EventNames<Map>> = Parameters<Map[Ev]>;

type IsAny<T> = 0 extends 1 & T ? true : false;

type Last<List extends readonly unknown[]> = List extends readonly [...unknown[], infer Item] ? Item : undefined;

/** The names of the events whose last parameter is a callback, by which their receivers answer. */
export type EventNamesWithAck<Map extends EventsMap> = {
  [Ev in EventNames<Map>]: IsAny<Map[Ev]> extends true
    ? Ev
    : IsAny<Parameters<Map[Ev]>[number]> extends true
      ? Ev
      : // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
        Last<Parameters<Map[Ev]>> extends (...args: any[]) => void
        ? Ev
        : never;
}[EventNames<Map>];

/** The arguments of an event without its callback. */
export type AckParams<Map extends EventsMap, Ev extends EventNames<Map>> =
  EventParams<Map, Ev> extends [...infer Args, infer _]
    ? Args
    : // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
      any[];

/** What an event is answered with: the first argument of its callback. */
export type AckValue<Map extends EventsMap, Ev extends EventNames<Map>> =
  // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
  Last<EventParams<Map, Ev>> extends (...args: infer Args extends any[]) => void
    ? Args extends []
      ? null
      : Args[0]
    : // biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO itself
      any;
