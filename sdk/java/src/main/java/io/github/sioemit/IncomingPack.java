package io.github.sioemit;

import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** MessagePack, with the extensions that servers write for what JavaScript has beside it. */
final class IncomingPack extends Incoming {
  /** What JSON.stringify makes of a Date. */
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  /** What stands for undefined: as a member of an object it is nothing. */
  private static final Object UNDEFINED = new Object();

  IncomingPack(byte[] in, int start, int end) {
    super(in, start, end);
  }

  @Override
  boolean isObject() {
    int type = in[start()] & 0xff;
    return (type & 0xf0) == 0x80 || type == 0xde || type == 0xdf;
  }

  @Override
  boolean isNull() {
    return (in[start()] & 0xff) == MessagePack.NIL;
  }

  @Override
  Map<String, Incoming> findMembers(Set<String> wanted) {
    if (start() == end || !isObject()) {
      throw new Malformed("it is no object");
    }
    Map<String, Incoming> members = new HashMap<>();
    for (long left = Form.of(next()).elements(this) / 2; left > 0; left--) {
      int from = at;
      skip();
      String name = new IncomingPack(in, from, at).name();
      int value = at;
      skip();
      if (name != null && wanted.contains(name)) {
        members.put(name, new IncomingPack(in, value, at));
      }
    }
    return members;
  }

  /** Passes a value without building anything of it, however deep it is. */
  private void skip() {
    for (long left = 1; left > 0; left--) {
      Form form = Form.of(next());
      if (form.nests) {
        left += form.elements(this);
      } else {
        take(form.bytes(this));
      }
    }
  }

  /** Passes bytes, of which there have to be so many, and returns where they begin. */
  private int take(long size) {
    if (size > end - at) {
      throw new Malformed("it ends early");
    }
    int from = at;
    at += (int) size;
    return from;
  }

  private long unsigned(int size) {
    long value = 0;
    for (int from = take(size), i = from; i < from + size; i++) {
      value = (value << 8) | (in[i] & 0xff);
    }
    return value;
  }

  /** What the first byte of a value says of the rest. */
  private record Form(boolean nests, boolean pairs, int fixed, int lengthBytes, int more) {
    static Form of(int type) {
      if (type < 0x80 || type >= 0xe0) {
        return sized(0);
      }
      if (type < 0x90) {
        return new Form(true, true, type & 0x0f, 0, 0);
      }
      if (type < 0xa0) {
        return new Form(true, false, type & 0x0f, 0, 0);
      }
      if (type < 0xc0) {
        return sized(type & 0x1f);
      }
      return switch (type) {
        case 0xc0, 0xc2, 0xc3 -> sized(0);
        case 0xcc, 0xd0 -> sized(1);
        case 0xcd, 0xd1 -> sized(2);
        case 0xca, 0xce, 0xd2 -> sized(4);
        case 0xcb, 0xcf, 0xd3 -> sized(8);
        case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8 -> sized(1 + (1 << (type - 0xd4)));
        case 0xc4, 0xd9 -> new Form(false, false, 0, 1, 0);
        case 0xc5, 0xda -> new Form(false, false, 0, 2, 0);
        case 0xc6, 0xdb -> new Form(false, false, 0, 4, 0);
        case 0xc7 -> new Form(false, false, 0, 1, 1);
        case 0xc8 -> new Form(false, false, 0, 2, 1);
        case 0xc9 -> new Form(false, false, 0, 4, 1);
        case 0xdc -> new Form(true, false, 0, 2, 0);
        case 0xdd -> new Form(true, false, 0, 4, 0);
        case 0xde -> new Form(true, true, 0, 2, 0);
        case 0xdf -> new Form(true, true, 0, 4, 0);
        default -> throw new Malformed("it is no MessagePack");
      };
    }

    private static Form sized(int bytes) {
      return new Form(false, false, bytes, 0, 0);
    }

    /** Reads how many bytes follow. */
    long bytes(IncomingPack from) {
      return lengthBytes == 0 ? fixed : from.unsigned(lengthBytes) + more;
    }

    /** Reads how many values follow. */
    long elements(IncomingPack from) {
      return (lengthBytes == 0 ? fixed : from.unsigned(lengthBytes)) * (pairs ? 2 : 1);
    }
  }

  @Override
  @Nullable Object value(int depth) {
    Object value = any(depth);
    return value == UNDEFINED ? null : value;
  }

  private @Nullable Object any(int depth) {
    spend(0);
    int type = next();
    if (type < 0x80 || type >= 0xe0) {
      return (long) (byte) type;
    }
    Form form = Form.of(type);
    if (form.nests) {
      nested(depth);
      long elements = form.elements(this);
      return form.pairs ? object(elements / 2, depth) : list(elements, depth);
    }
    return switch (type) {
      case 0xc0 -> null;
      case 0xc2 -> false;
      case 0xc3 -> true;
      case 0xca -> finite(Float.intBitsToFloat((int) unsigned(4)));
      case 0xcb -> finite(Double.longBitsToDouble(unsigned(8)));
      case 0xcc, 0xcd, 0xce -> unsigned(form.fixed);
      case 0xcf -> unsigned64(unsigned(8));
      case 0xd0 -> (long) (byte) unsigned(1);
      case 0xd1 -> (long) (short) unsigned(2);
      case 0xd2 -> (long) (int) unsigned(4);
      case 0xd3 -> unsigned(8);
      default -> sized(type, form);
    };
  }

  /** Returns what JavaScript makes of a number beyond those that Java has. */
  private static Object unsigned64(long bits) {
    if (bits >= 0) {
      return bits;
    }
    return ((bits >>> 1) | (bits & 1)) * 2.0;
  }

  /** Reads text, binary, or an extension. */
  private @Nullable Object sized(int type, Form form) {
    long size = form.bytes(this);
    int from = take(size);
    if (type < 0xc0 || (type >= 0xd9 && type <= 0xdb)) {
      spend(2 * size);
      return text(from, at);
    }
    spend(size);
    if (type >= 0xc4 && type <= 0xc6) {
      return Arrays.copyOfRange(in, from, at);
    }
    return extension(in[from], Arrays.copyOfRange(in, from + 1, at));
  }

  /** JSON has none of the others. */
  private static @Nullable Object finite(double value) {
    return Double.isFinite(value) ? (Object) value : null;
  }

  private List<@Nullable Object> list(long size, int depth) {
    List<@Nullable Object> list = new ArrayList<>();
    for (long i = 0; i < size; i++) {
      list.add(value(depth + 1));
    }
    return list;
  }

  private Map<String, @Nullable Object> object(long size, int depth) {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    for (long i = 0; i < size; i++) {
      Object name = value(depth + 1);
      Object value = any(depth + 1);
      if (value != UNDEFINED) {
        members.put(String.valueOf(name), value);
      }
    }
    return members;
  }

  /**
   * Reads what servers write for undefined, a Date, and an ArrayBuffer. Any other extension is its
   * type and its bytes.
   */
  private static @Nullable Object extension(byte type, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    try {
      if (type == 0 && bytes.length == 1 && bytes[0] == 0) {
        return UNDEFINED;
      }
      if (type == 0) {
        return bytes.length == 8 ? date(Instant.ofEpochMilli(buffer.getLong())) : bytes;
      }
      if (type == -1 && bytes.length == 4) {
        return date(Instant.ofEpochSecond(buffer.getInt() & 0xffffffffL));
      }
      if (type == -1 && bytes.length == 8) {
        long both = buffer.getLong();
        return date(Instant.ofEpochSecond(both & ((1L << 34) - 1), both >>> 34));
      }
      if (type == -1 && bytes.length == 12) {
        int nanos = buffer.getInt();
        return date(Instant.ofEpochSecond(buffer.getLong(), nanos));
      }
    } catch (DateTimeException | ArithmeticException e) {
      return bytes; // there is no such time
    }
    return Arrays.asList((long) type, bytes);
  }

  private static String date(Instant time) {
    return DATE.format(time);
  }
}
