package io.github.sioemit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Waits for the sockets of each server. */
final class SocketCollector implements Collector<List<Socket>> {
  private final Map<String, Socket> sockets = new LinkedHashMap<>();
  private final Set<String> seen = new HashSet<>();
  private long answered;

  @Override
  public boolean wants(Reply reply) {
    return reply.kind() == Reply.Kind.SOCKETS && !seen.contains(reply.uid());
  }

  /**
   * Takes the sockets of a server. A reply that names known sockets only came twice: no two servers
   * have the same socket.
   */
  @Override
  public void add(Reply reply) {
    List<Socket> named = new ArrayList<>();
    for (Object socket : Rooms.list(reply.value())) {
      named.add(socket(socket));
    }
    boolean fresh = named.isEmpty();
    for (Socket socket : named) {
      fresh |= sockets.putIfAbsent(socket.id(), socket) == null;
    }
    if (fresh) {
      answered++;
    }
    if (!reply.uid().isEmpty()) {
      seen.add(reply.uid());
    }
  }

  private static Socket socket(@Nullable Object value) {
    if (!(value instanceof Map<?, ?> members)
        || !(members.get("id") instanceof String id)
        || id.isEmpty()) {
      throw new Malformed("a socket has no id");
    }
    Rooms rooms = Rooms.of(members.get("rooms") instanceof List<?> list ? list : List.of());
    Map<String, @Nullable Object> handshake = new LinkedHashMap<>();
    if (members.get("handshake") instanceof Map<?, ?> given) {
      given.forEach((name, member) -> handshake.put((String) name, member));
    }
    return new Socket(
        id,
        rooms.names(),
        rooms.numbers(),
        members.get("data"),
        Collections.unmodifiableMap(handshake));
  }

  @Override
  public long servers() {
    return answered;
  }

  @Override
  public List<Socket> result(long asked) {
    return List.copyOf(sockets.values());
  }
}
