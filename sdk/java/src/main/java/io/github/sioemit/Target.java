package io.github.sioemit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who gets an event. A room is a String, a Long or a Double. */
record Target(
    String namespace,
    List<Object> rooms,
    List<Object> excepted,
    boolean dropping,
    @Nullable Boolean compress) {
  /** The keys of the options, the first of them behind the header of a map of three. */
  private static final byte[] ROOMS = "\u0083\u00a5rooms".getBytes(ISO_8859_1);

  private static final byte[] EXCEPT = "\u00a6except".getBytes(ISO_8859_1);
  private static final byte[] FLAGS = "\u00a5flags".getBytes(ISO_8859_1);

  static final Target EVERYONE = new Target("/", List.of(), List.of(), false, null);

  Target of(String namespace) {
    Names.valid(namespace, "namespace");
    String name = namespace.startsWith("/") ? namespace : "/" + namespace;
    return new Target(name, rooms, excepted, dropping, compress);
  }

  Target to(List<?> more) {
    return new Target(namespace, union(rooms, more), excepted, dropping, compress);
  }

  Target except(List<?> more) {
    return new Target(namespace, rooms, union(excepted, more), dropping, compress);
  }

  Target asVolatile() {
    return new Target(namespace, rooms, excepted, true, compress);
  }

  Target compressed(boolean compress) {
    return new Target(namespace, rooms, excepted, dropping, compress);
  }

  /** Returns the rooms of both, each once, in order. */
  static List<Object> union(List<Object> rooms, List<?> more) {
    if (rooms.isEmpty() && more.size() == 1) {
      return List.of(Names.room(more.get(0)));
    }
    List<Object> all = new ArrayList<>(rooms);
    for (Object room : more) {
      Object checked = Names.room(room);
      if (!all.contains(checked)) {
        all.add(checked);
      }
    }
    return List.copyOf(all);
  }

  /** Writes {rooms, flags, except} or, as servers with streams or shards want it, except first. */
  void options(MessagePack out, boolean exceptFirst) {
    options(out, exceptFirst, 0);
  }

  /** Writes the same, and among the flags how long servers wait for acknowledgements, if at all. */
  void options(MessagePack out, boolean exceptFirst, long timeoutMillis) {
    out.raw(ROOMS);
    rooms(out, rooms);
    if (exceptFirst) {
      out.raw(EXCEPT);
      rooms(out, excepted);
    }
    out.raw(FLAGS);
    out.map((dropping ? 1 : 0) + (compress == null ? 0 : 1) + (timeoutMillis > 0 ? 1 : 0));
    if (dropping) {
      out.text("volatile");
      out.bool(true);
    }
    if (compress != null) {
      out.text("compress");
      out.bool(compress);
    }
    if (timeoutMillis > 0) {
      out.text("timeout");
      out.integer(timeoutMillis);
    }
    if (!exceptFirst) {
      out.raw(EXCEPT);
      rooms(out, excepted);
    }
  }

  static void rooms(MessagePack out, List<Object> rooms) {
    out.array(rooms.size());
    for (Object room : rooms) {
      room(out, room);
    }
  }

  static void room(MessagePack out, Object room) {
    if (room instanceof String text) {
      out.text(text);
    } else if (room instanceof Long number) {
      out.integer(number);
    } else {
      out.float64((Double) room);
    }
  }
}
