package io.github.sioemit;

import java.util.List;
import java.util.TreeSet;

/** Waits for the sockets of each server, to name the rooms that they are in. */
final class RoomsOfSockets implements Collector<List<String>> {
  private final SocketCollector sockets = new SocketCollector();

  @Override
  public boolean wants(Reply reply) {
    return sockets.wants(reply);
  }

  @Override
  public void add(Reply reply) {
    sockets.add(reply);
  }

  @Override
  public long servers() {
    return sockets.servers();
  }

  @Override
  public List<String> result(long asked) {
    TreeSet<String> names = new TreeSet<>();
    for (Socket socket : sockets.result(asked)) {
      names.addAll(socket.rooms());
    }
    return List.copyOf(names);
  }
}
