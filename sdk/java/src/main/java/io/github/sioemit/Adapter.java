package io.github.sioemit;

import org.jspecify.annotations.Nullable;

/**
 * How the servers are joined, and so what an event looks like on its way to them: {@link Sharded},
 * {@link Streams} or {@link Python} where it is not the classic adapter, which needs no word.
 */
public abstract sealed class Adapter permits Classic, Sharded, Streams, Python {
  /** The name under which emitters sign. Any other is taken for a member of the cluster. */
  static final String UID = "emitter";

  Adapter() {}

  /** The command that sends an event to clients. */
  abstract Command broadcast(
      Target target, String event, @Nullable Object[] args, Encoder.Limits limits);

  /** The command that changes the sockets of a target. */
  abstract Command request(Target target, Request request);

  /** The command that sends an event to servers. */
  abstract Command serverSide(
      Target target, String event, @Nullable Object[] args, Encoder.Limits limits);

  /** The channel on which each server of a namespace listens once. */
  abstract String listeners(String namespace);

  /** Whether that is a channel of SSUBSCRIBE. */
  abstract boolean shardedListeners();

  /** Whether servers leave out, and change, single sockets only, by their ids. */
  boolean socketIdsOnly() {
    return false;
  }
}
