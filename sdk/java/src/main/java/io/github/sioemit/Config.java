package io.github.sioemit;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** What the options of an emitter add up to. */
record Config(
    Publisher publisher,
    Adapter adapter,
    int version,
    Encoder.Limits limits,
    Pattern socketIds,
    Replies replies,
    Notes notes) {
  static final int CURRENT_VERSION = 4;

  /** Up to this version the id of a socket stands behind its namespace, unless that is "/". */
  private static final int PREFIXED_UP_TO = 2;

  private static final String OWN_IDS =
      "If your servers make their own ids, say what they look like with socketIds";

  void needsVersion4(String call) {
    if (version < CURRENT_VERSION) {
      throw new SioemitException(
          Reason.NEEDS_VERSION_4, call + " needs Socket.IO 4, not " + version);
    }
  }

  /** Refuses a room that servers would not leave out. */
  void canExcept(Object room) {
    boolean idsOnly = version < CURRENT_VERSION || adapter.socketIdsOnly();
    if (idsOnly && !isSocketId(room)) {
      throw new SioemitException(
          Reason.EXCEPT_ROOM,
          "except("
              + room
              + "): "
              + (adapter.socketIdsOnly() ? "python-socketio" : "Socket.IO " + version)
              + " leaves out socket ids only, and would ignore a room. "
              + OWN_IDS);
    }
  }

  /** Returns what changes the sockets of a target. */
  Command request(Target target, Request request) {
    Command command = adapter.request(target, request);
    for (Object room : target.rooms()) {
      if (adapter.socketIdsOnly() && !isSocketId(room)) {
        throw new SioemitException(
            Reason.NO_COUNTERPART,
            "to("
                + room
                + "): python-socketio changes one socket at a time, and this is no socket id. "
                + OWN_IDS);
      }
    }
    return command;
  }

  private boolean isSocketId(Object name) {
    if (!(name instanceof String room)) {
      return false;
    }
    if (socketIds.matcher(room).matches()) {
      return true;
    }
    int behind = room.indexOf('#') + 1;
    return version <= PREFIXED_UP_TO
        && room.startsWith("/")
        && behind > 0
        && socketIds.matcher(room.substring(behind)).matches();
  }

  /** Returns what can be asked with, or says why nothing can. */
  Subscriber subscriber(String call) {
    needsVersion4(call);
    if (publisher instanceof Subscriber subscriber) {
      return subscriber;
    }
    throw new UnsupportedOperationException(
        call
            + " needs a publisher that is a Subscriber, too, as those for Jedis and Lettuce are: "
            + publisher.getClass().getName()
            + " can only send");
  }

  /** Returns what can be looked at, or says why nothing can. */
  NodePublisher nodePublisher(String call) {
    needsVersion4(call);
    if (publisher instanceof NodePublisher nodes) {
      return nodes;
    }
    throw new UnsupportedOperationException(
        call
            + " looks at the connections of servers, which needs a publisher for Jedis or Lettuce, "
            + "not "
            + publisher.getClass().getName());
  }

  long serverCount(String namespace) {
    byte[] channel = adapter.listeners(namespace).getBytes(StandardCharsets.UTF_8);
    return publisher.subscribers(channel, adapter.shardedListeners());
  }
}
