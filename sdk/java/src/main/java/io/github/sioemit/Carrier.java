package io.github.sioemit;

/** What carries events from Redis to the servers. */
enum Carrier {
  /** The connection on which a server has a pattern for each namespace. */
  PATTERN("psub", 1),
  /**
   * The connection on which a server has two shard channels for each namespace. On a Redis Cluster
   * these are on two nodes.
   */
  SHARD_CHANNEL("ssub", 2),
  /** A stream, in which events stay until they are read. */
  STREAM("", 0);

  /** In which field CLIENT LIST counts what servers subscribe to. */
  final String field;

  /** To how many of them a server subscribes at least. */
  final int least;

  Carrier(String field, int least) {
    this.field = field;
    this.least = least;
  }
}
