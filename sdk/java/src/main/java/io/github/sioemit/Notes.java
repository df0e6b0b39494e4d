package io.github.sioemit;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What an emitter has sent, by namespaces, for those who have it confirmed. */
final class Notes {
  private static final int MAX_NAMESPACES = 1000;

  private final Carrier carrier;

  /** Whether a room's channel may reach servers by another way than that of the namespace. */
  private final boolean roomsApart;

  private final Map<String, Sent> all = new HashMap<>(); // guarded by this
  private final Sent rest = new Sent(null);

  /** That which was used last. */
  private volatile Sent recent = new Sent("/");

  /** Those of the confirmations. */
  final Turns turns = new Turns();

  Notes(Carrier carrier, boolean roomsApart) {
    this.carrier = carrier;
    this.roomsApart = roomsApart;
    all.put("/", recent);
  }

  /** Returns what was sent to a namespace. */
  Sent of(String namespace) {
    Sent sent = recent;
    return namespace.equals(sent.namespace) ? sent : find(namespace);
  }

  private synchronized Sent find(String namespace) {
    Sent sent = all.get(namespace);
    if (sent == null) {
      if (all.size() >= MAX_NAMESPACES) {
        return rest;
      }
      sent = new Sent(namespace);
      all.put(namespace, sent);
    }
    recent = sent;
    return sent;
  }

  /** Notes that a command was sent, or may have been, since some time. */
  void add(Sent to, long since, Target target, Command command) {
    switch (carrier) {
      case PATTERN -> to.note(since);
      case SHARD_CHANNEL -> {
        if (roomsApart && !target.rooms().isEmpty()) {
          to.noteChannel(since, new String(command.key(), StandardCharsets.UTF_8));
        } else {
          to.note(since);
        }
      }
      case STREAM -> {
        byte[] entry = command.reply();
        if (entry != null) {
          to.noteEntry(since, Entry.of(entry));
        } else if (command.name().equals("XADD")) {
          to.note(since);
        } else {
          to.noteChannel(since, target.namespace()); // for servers, and beside the stream
        }
      }
    }
  }

  /** Notes that commands were sent, or may have been, each to its target. */
  void addAll(long since, List<Target> targets, List<Command> commands) {
    for (int i = 0; i < commands.size(); i++) {
      Target target = targets.get(i);
      add(of(target.namespace()), since, target, commands.get(i));
    }
  }
}
