package io.github.sioemit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the servers are joined, and so what an event looks like on its way to them: {@link Sharded},
 * {@link Streams} or {@link Python} where it is not the classic adapter, which needs no word.
 */
public abstract sealed class Adapter permits Classic, Sharded, Streams, Python {
  /** The name under which emitters sign. Any other is taken for a member of the cluster. */
  static final String UID = "emitter";

  /** What a server needs to answer an event for servers. */
  static final String HANDLER = "a handler for the event";

  Adapter() {}

  /** The command that sends an event to clients. */
  abstract Command broadcast(
      Target target, String event, @Nullable Object[] args, Encoder.Limits limits);

  /** The command that changes the sockets of a target. */
  abstract Command request(Target target, Request request);

  /** The command that sends an event to servers. */
  abstract Command serverSide(
      Target target, String event, @Nullable Object[] args, Encoder.Limits limits);

  /**
   * The command that asks servers, who answer with the id. They wait for acknowledgements as long
   * as is said.
   */
  abstract Command question(Target target, Ask ask, String id, long timeoutMillis);

  /** The channels on which servers answer, of the same kind as that on which they listen. */
  abstract List<String> replyChannels(String namespace);

  /** What becomes of bytes in an event that servers are to answer. */
  Encoder.Binary binaryInQuestions() {
    return Encoder.Binary.PACKED;
  }

  /** Whether older servers of this kind end when a request holds binary. */
  boolean binaryEndsServers() {
    return false;
  }

  /** Whether servers can be asked for their rooms alone. */
  boolean hasRooms() {
    return false;
  }

  /** What a server needs to answer, as far as that is known. */
  String needs(Ask.Kind kind) {
    return kind == Ask.Kind.SERVER_SIDE_EMIT ? HANDLER : "";
  }

  /** What carries events to the servers. */
  Carrier carrier() {
    return Carrier.PATTERN;
  }

  /** The channel on which each server of a namespace listens once. */
  abstract String listeners(String namespace);

  /** Whether that is a channel of SSUBSCRIBE. */
  abstract boolean shardedListeners();

  /** Whether servers leave out, and change, single sockets only, by their ids. */
  boolean socketIdsOnly() {
    return false;
  }
}
