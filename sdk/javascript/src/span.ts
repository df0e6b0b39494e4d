/** The first and the last entry that something has added to a stream, by their ids. */
export interface Span {
  readonly first: string;
  readonly last: string;
}

/** Returns a span with another entry. Several may be added at the same time, so that the answers of Redis come in any order. */
export function withEntry(span: Span | undefined, id: string): Span {
  return span === undefined
    ? { first: id, last: id }
    : {
        first: compareIds(id, span.first) < 0 ? id : span.first,
        last: compareIds(id, span.last) > 0 ? id : span.last,
      };
}

/** Compares the ids of entries, <milliseconds>-<number>. */
export function compareIds(a: string, b: string): number {
  return millisecondsOf(a) - millisecondsOf(b) || numberOf(a) - numberOf(b);
}

/** Returns when an entry was added, by the clock of Redis. */
export function millisecondsOf(id: string): number {
  return Number.parseInt(id, 10);
}

function numberOf(id: string): number {
  return Number(id.slice(id.indexOf("-") + 1));
}
