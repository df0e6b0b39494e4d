package io.github.sioemit;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One connected client, as its server describes it.
 *
 * @param id its id
 * @param rooms the rooms that it is in, with its own id
 * @param numberRooms those of its rooms that are numbers: {@code join(5)} is not {@code join("5")}
 * @param data what the server has stored in {@code socket.data}
 * @param handshake how the client connected: {@code headers}, {@code time}, {@code address}, {@code
 *     query}, {@code auth} and so on. It holds cookies and tokens, and does not show in {@link
 *     #toString()}: do not log it
 */
public record Socket(
    String id,
    List<String> rooms,
    List<Number> numberRooms,
    @Nullable Object data,
    Map<String, @Nullable Object> handshake) {
  @Override
  public String toString() {
    return "Socket[id=" + id + ", rooms=" + rooms + ", numberRooms=" + numberRooms + "]";
  }
}
