package io.github.sioemit.conformance;

import io.github.sioemit.Acks;
import io.github.sioemit.Socket;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What servers have answered, as cases have it. */
final class Answers {
  private Answers() {}

  static Object of(Object answer) {
    if (answer instanceof Acks acks) {
      return Map.of(
          "values", of(acks.values()),
          "clients", acks.clients(),
          "servers", acks.servers(),
          "perServer", acks.perServer());
    }
    if (answer instanceof Socket socket) {
      Map<String, Object> members = new LinkedHashMap<>();
      members.put("id", socket.id());
      members.put("rooms", socket.rooms());
      members.put("numberRooms", socket.numberRooms());
      members.put("data", of(socket.data()));
      members.put("handshake", of(socket.handshake()));
      return members;
    }
    if (answer instanceof List<?> list) {
      List<Object> all = new ArrayList<>();
      list.forEach(item -> all.add(of(item)));
      return all;
    }
    if (answer instanceof Map<?, ?> map) {
      Map<Object, Object> members = new LinkedHashMap<>();
      map.forEach((name, member) -> members.put(name, of(member)));
      boolean tagged = members.size() == 1 && members.keySet().toString().startsWith("[$");
      return tagged ? Map.of("$literal", members) : members;
    }
    return answer instanceof byte[] bytes
        ? Map.of("$binary", Base64.getEncoder().encodeToString(bytes))
        : answer;
  }
}
