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
