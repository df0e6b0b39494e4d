package io.github.sioemit;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Waits for the rooms of each server of the classic adapter. */
final class RoomCollector implements Collector<List<String>> {
  private final TreeSet<String> names = new TreeSet<>();
  private final Set<Rooms> replies = new HashSet<>();
  private long answered;

  @Override
  public boolean wants(Reply reply) {
    return reply.kind() == Reply.Kind.ROOMS;
  }

  /**
   * Takes the rooms of a server. A reply that names the same rooms as another came twice: each
   * server has the ids of its sockets among them. Those without rooms are all alike.
   */
  @Override
  public void add(Reply reply) {
    Rooms rooms = Rooms.of(Rooms.list(reply.value()));
    boolean none = rooms.names().isEmpty() && rooms.numbers().isEmpty();
    if (none || replies.add(rooms)) {
      names.addAll(rooms.names());
      answered++;
    }
  }

  @Override
  public long servers() {
    return answered;
  }

  @Override
  public List<String> result(long asked) {
    return List.copyOf(names);
  }
}
