package io.github.sioemit;

import java.util.List;

/** What servers are asked to do with the sockets of a target. */
record Request(Kind kind, List<Object> rooms, boolean close) {
  /** The kinds of requests, with their numbers in messages of both kinds of adapters. */
  enum Kind {
    JOIN(2, 4),
    LEAVE(3, 5),
    DISCONNECT(4, 6);

    final int classic;
    final int cluster;

    Kind(int classic, int cluster) {
      this.classic = classic;
      this.cluster = cluster;
    }
  }

  static Request disconnect(boolean close) {
    return new Request(Kind.DISCONNECT, List.of(), close);
  }

  /** Writes the member that says what to do, behind the options of the target. */
  void write(MessagePack out) {
    if (kind == Kind.DISCONNECT) {
      out.text("close");
      out.bool(close);
    } else {
      out.text("rooms");
      Target.rooms(out, rooms);
    }
  }
}
