/** Turns a value as cases write it into what its tags stand for. */
export function value(v) {
  if (Array.isArray(v)) {
    return v.map(value);
  }
  if (typeof v !== "object" || v === null) {
    return v;
  }
  const keys = Object.keys(v);
  if (keys.length === 1 && keys[0].startsWith("$")) {
    return untagged(keys[0], v[keys[0]]);
  }
  return object(Object.entries(v));
}

/** Returns a value as cases write it. */
export function tagged(v) {
  if (typeof v !== "object" || v === null) {
    return v;
  }
  if (Buffer.isBuffer(v)) {
    return { $binary: v.toString("base64") };
  }
  if (Array.isArray(v)) {
    return v.map(tagged);
  }
  const made = Object.fromEntries(Object.entries(v).map(([key, member]) => [key, tagged(member)]));
  return Object.keys(v).some((key) => key.startsWith("$")) ? { $literal: made } : made;
}

/** Makes an object of pairs; "__proto__" is a key like any other, as in JSON. */
function object(pairs) {
  const made = {};
  for (const [key, member] of pairs) {
    Object.defineProperty(made, key, { value: value(member), enumerable: true, writable: true, configurable: true });
  }
  return made;
}

function untagged(tag, v) {
  switch (tag) {
    case "$binary":
      return Buffer.from(v, "base64");
    case "$date":
      // JavaScript's own JSON would write milliseconds.
      return { toJSON: () => new Date(v).toISOString().replace(".000Z", "Z") };
    case "$bigint":
      return BigInt(v);
    case "$float":
      return Number(v);
    case "$repeat":
      return repeated(v);
    case "$object":
      return object(v);
    case "$cycle":
      return cycle(v);
    case "$literal":
      return object(Object.entries(v));
    default:
      throw new Skip(`no tag ${tag}`);
  }
}

function cycle(kind) {
  if (kind === "array") {
    const list = [];
    list.push(list);
    return list;
  }
  const self = {};
  self.self = self;
  return self;
}

function repeated({ value: part, count, nest }) {
  if (nest !== undefined) {
    let made = null;
    for (let i = 0; i < count; i++) {
      made = nest === "array" ? [made] : { a: made };
    }
    return made;
  }
  const one = value(part);
  if (typeof one === "string") {
    return one.repeat(count);
  }
  if (Buffer.isBuffer(one)) {
    return Buffer.concat(Array(count).fill(one));
  }
  return Array(count).fill(one).flat();
}

/** Why a call cannot be made in JavaScript. */
export class Skip extends Error {}
