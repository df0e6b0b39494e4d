package io.github.sioemit;

import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What may be a name: of events, rooms, namespaces and keys. */
final class Names {
  /** What Socket.IO emits itself: a client that gets one of these drops its connection. */
  private static final Set<String> RESERVED =
      Set.of(
          "connect",
          "connect_error",
          "disconnect",
          "disconnecting",
          "newListener",
          "removeListener");

  /** To servers these would call handlers with no socket; without a listener, "error" ends one. */
  private static final Set<String> RESERVED_SERVER_SIDE =
      Set.of("connect", "connection", "new_namespace", "error");

  private Names() {}

  static void event(String event) {
    event(event, RESERVED);
  }

  static void serverSideEvent(String event) {
    event(event, RESERVED_SERVER_SIDE);
  }

  private static void event(String event, Set<String> reserved) {
    Objects.requireNonNull(event, "the event is null");
    if (event.isEmpty()) {
      throw new SioemitException(Reason.EMPTY_EVENT, "the event's name is empty");
    }
    valid(event, "event");
    if (reserved.contains(event)) {
      throw new SioemitException(
          Reason.RESERVED_EVENT, "event \"" + event + "\": the name is reserved by Socket.IO");
    }
  }

  /** Returns text that a server can have as a name. */
  static String valid(String text, String what) {
    Objects.requireNonNull(text, () -> "the " + what + " is null");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
        continue;
      }
      throw new SioemitException(
          Reason.INVALID_TEXT,
          what + " \"" + text + "\": it is not valid Unicode, so no server can have it");
    }
    return text;
  }

  /** Returns a room as a String, a Long or a Double, so that equal ones are equal to servers. */
  static Object room(@Nullable Object room) {
    Objects.requireNonNull(room, "a room is null");
    if (room instanceof String text) {
      if (text.isEmpty()) {
        throw new SioemitException(Reason.EMPTY_ROOM, "the room's name is empty");
      }
      return valid(text, "room");
    }
    if (!(room instanceof Number number)) {
      throw new IllegalArgumentException(
          "a room is a String or a Number, not " + room.getClass().getName());
    }
    if (number instanceof Integer || number instanceof Long) {
      long exact = number.longValue();
      if (Math.abs((double) exact) <= Encoder.MAX_INTEGER) {
        return exact;
      }
    }
    double value = Encoder.shortest(number);
    if (!Double.isFinite(value)) {
      throw new SioemitException(
          Reason.INVALID_TEXT, "room " + number + ": no server can have a room of that number");
    }
    if (value == Math.rint(value) && Math.abs(value) <= Encoder.MAX_INTEGER) {
      return (long) value;
    }
    return value;
  }
}
