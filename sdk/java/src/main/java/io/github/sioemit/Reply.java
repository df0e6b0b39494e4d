package io.github.sioemit;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a server, or a client through it, has answered. Its content is not decoded yet. */
record Reply(Kind kind, String requestId, String uid, @Nullable Incoming content) {
  /** What is answered. */
  enum Kind {
    /** One client's acknowledgement. */
    ACK,
    /** How many clients one server has sent the event to. */
    ACK_COUNT,
    /** One server's answer to an event for servers. */
    SERVER_ANSWER,
    /** The sockets of one server. */
    SOCKETS,
    /** The names of its rooms. */
    ROOMS
  }

  private static final Set<String> MEMBERS =
      Set.of("type", "requestId", "uid", "data", "sockets", "rooms", "packet", "clientCount");

  /** Reads a message as far as it says what it is; what is no reply is null. */
  static @Nullable Reply of(byte[] message) {
    try {
      Map<String, Incoming> members = Incoming.of(message).members(MEMBERS);
      Incoming data = members.get("data");
      if (members.get("requestId") == null && data != null && data.isObject()) {
        return ofCluster(members, data.members(MEMBERS));
      }
      return ofClassic(members);
    } catch (Malformed e) {
      return null;
    }
  }

  /** Reads a message {uid, nsp, type, data} of an adapter with shards or streams. */
  private static @Nullable Reply ofCluster(
      Map<String, Incoming> members, Map<String, Incoming> data) {
    return switch (type(members)) {
      case 8 -> of(Kind.SOCKETS, data, text(members, "uid"), data.get("sockets"));
      case 10 -> of(Kind.SERVER_ANSWER, data, text(members, "uid"), data.get("packet"));
      case 11 -> of(Kind.ACK_COUNT, data, text(members, "uid"), data.get("clientCount"));
      case 12 -> of(Kind.ACK, data, text(members, "uid"), data.get("packet"));
      default -> null;
    };
  }

  /** Servers of the classic adapter do not say who they are; who asks does. */
  private static @Nullable Reply ofClassic(Map<String, Incoming> members) {
    if (!members.containsKey("type")) {
      Incoming sockets = members.get("sockets");
      return sockets != null && !sockets.isNull()
          ? of(Kind.SOCKETS, members, "", sockets)
          : of(Kind.ROOMS, members, "", members.get("rooms"));
    }
    return switch (type(members)) {
      case 6 ->
          text(members, "uid").isEmpty()
              ? of(Kind.SERVER_ANSWER, members, "", members.get("data"))
              : null;
      case 8 -> of(Kind.ACK_COUNT, members, "", members.get("clientCount"));
      case 9 -> of(Kind.ACK, members, "", members.get("packet"));
      default -> null;
    };
  }

  private static @Nullable Reply of(
      Kind kind, Map<String, Incoming> members, String uid, @Nullable Incoming content) {
    String id = text(members, "requestId");
    return id.isEmpty() ? null : new Reply(kind, id, uid, content);
  }

  private static String text(Map<String, Incoming> members, String member) {
    Incoming value = members.get(member);
    String text = value == null ? null : value.name();
    return text == null ? "" : text;
  }

  private static int type(Map<String, Incoming> members) {
    Incoming type = members.get("type");
    return type == null ? -1 : type.smallNumber();
  }

  /** Decodes what was answered; nothing at all is null. */
  @Nullable Object value() {
    return content == null ? null : content.decode();
  }
}
