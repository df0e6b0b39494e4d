"use strict";
// Binary values in JSON: {"$binary":"<base64>"}, at any depth.

function toJSON(value) {
  if (value instanceof ArrayBuffer) {
    value = Buffer.from(value);
  }
  if (ArrayBuffer.isView(value)) {
    return { $binary: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (Array.isArray(value)) {
    return value.map(toJSON);
  }
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJSON(item)]));
  }
  return value;
}

function fromJSON(value) {
  if (Array.isArray(value)) {
    return value.map(fromJSON);
  }
  if (value && typeof value === "object") {
    const keys = Object.keys(value);
    if (keys.length === 1 && keys[0] === "$binary") {
      return Buffer.from(value.$binary, "base64");
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromJSON(item)]));
  }
  return value;
}

module.exports = { toJSON, fromJSON };
