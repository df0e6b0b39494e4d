package io.github.sioemit;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** What the options of an emitter add up to. */
record Config(
    Publisher publisher, Adapter adapter, int version, Encoder.Limits limits, Pattern socketIds) {
  static final int CURRENT_VERSION = 4;

  /** Up to this version the id of a socket stands behind its namespace, unless that is "/". */
  private static final int PREFIXED_UP_TO = 2;

  void needsVersion4(String call) {
    if (version < CURRENT_VERSION) {
      throw new SioemitException(
          Reason.NEEDS_VERSION_4, call + " needs Socket.IO 4, not " + version);
    }
  }

  /** Refuses a room that servers would not leave out. */
  void canExcept(Object room) {
    if (version < CURRENT_VERSION && !(room instanceof String text && isSocketId(text))) {
      throw new SioemitException(
          Reason.EXCEPT_ROOM,
          "except("
              + room
              + "): Socket.IO "
              + version
              + " leaves out socket ids only, and would ignore a room. If your servers make their"
              + " own ids, say what they look like with socketIds");
    }
  }

  private boolean isSocketId(String room) {
    if (socketIds.matcher(room).matches()) {
      return true;
    }
    int behind = room.indexOf('#') + 1;
    return version <= PREFIXED_UP_TO
        && room.startsWith("/")
        && behind > 0
        && socketIds.matcher(room.substring(behind)).matches();
  }

  long serverCount(String namespace) {
    byte[] channel = adapter.listeners(namespace).getBytes(StandardCharsets.UTF_8);
    return publisher.subscribers(channel, adapter.shardedListeners());
  }
}
