package io.github.sioemit;

/** What the servers of a classic adapter read: its option {@code parser}. */
public enum Codec {
  /** MessagePack, which they read by default. */
  MESSAGEPACK,
  /** JSON, for servers whose adapter was given a JSON parser. It cannot carry binary. */
  JSON
}
