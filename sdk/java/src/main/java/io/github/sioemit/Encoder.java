package io.github.sioemit;

import java.lang.reflect.Array;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a value becomes on its way to a client: what Jackson would have sent, except that bytes, at
 * any depth, arrive as binary.
 */
final class Encoder {
  /** Up to here every integer is a float64, too. */
  static final long MAX_INTEGER = 1L << 53;

  private static final BigInteger BIG_MAX_INTEGER = BigInteger.valueOf(MAX_INTEGER);

  /** From here on each level looks for itself further up: a cycle is found before it grows. */
  private static final int SHALLOW = 16;

  private final MessagePack out;
  private final Limits limits;
  private final Binary binary;

  private Object[] path = new Object[SHALLOW];
  private int depth;

  /** How many of the path are objects that were converted, which are no levels of what arrives. */
  private int conversions;

  private int binaries;

  /** A key that beside binary is a trap for clients, and the argument that has it. */
  private @Nullable String trap;

  private int trapArgument;

  private Encoder(MessagePack out, Limits limits, Binary binary) {
    this.out = out;
    this.limits = limits;
    this.binary = binary;
  }

  /** What an event may hold. */
  record Limits(
      int maxAttachments, @Nullable Function<Object, ?> converter, int maxDepth, String tooDeep) {
    /** Servers end, or go deaf, on values nested deeper than about 2,500. */
    private static final int MAX_DEPTH = 1000;

    Limits(int maxAttachments, @Nullable Function<Object, ?> converter) {
      this(
          maxAttachments,
          converter,
          MAX_DEPTH,
          "it is nested deeper than 1,000 levels, which ends servers");
    }

    /** The limits of an event for servers, who read binary without a parser. */
    Limits forServers() {
      return new Limits(Integer.MAX_VALUE, converter, maxDepth, tooDeep);
    }

    /** The limits for servers that read fewer levels. */
    Limits nested(int maxDepth, String tooDeep) {
      return new Limits(maxAttachments, converter, maxDepth, tooDeep);
    }
  }

  /** What becomes of bytes. */
  interface Binary {
    /** They are written as they are. */
    Binary PACKED = MessagePack::binary;

    void write(MessagePack out, ByteBuffer bytes);

    static Binary refused(Reason reason, String why) {
      return (out, bytes) -> {
        throw new SioemitException(reason, why);
      };
    }
  }

  /**
   * Writes the data of an event's packet: an array of its name and its arguments. It names the
   * argument in the error when one cannot be sent.
   *
   * @return whether it holds binary
   */
  static boolean event(
      MessagePack out, String event, @Nullable Object[] args, Limits limits, Binary binary) {
    out.array(1 + args.length);
    out.text(event);
    return arguments(out, event, args, limits, binary);
  }

  /** Does as {@link #event} without the header of the array and the name. */
  static boolean arguments(
      MessagePack out, String event, @Nullable Object[] args, Limits limits, Binary binary) {
    Encoder encoder = new Encoder(out, limits, binary);
    for (int i = 0; i < args.length; i++) {
      try {
        encoder.argument(args[i], i);
      } catch (SioemitException e) {
        throw ofArgument(e, event, i);
      } catch (StackOverflowError e) {
        throw ofArgument(
            new SioemitException(
                Reason.TOO_DEEP, "it is nested too deep for the stack of this thread", e),
            event,
            i);
      }
    }
    if (encoder.binaries > 0 && encoder.trap != null && limits.maxAttachments < Integer.MAX_VALUE) {
      throw ofArgument(
          new SioemitException(
              Reason.UNENCODABLE,
              "the key \""
                  + encoder.trap
                  + "\" beside binary is a trap for the parsers of clients"),
          event,
          encoder.trapArgument);
    }
    return encoder.binaries > 0;
  }

  static SioemitException ofArgument(SioemitException e, String event, int index) {
    return new SioemitException(
        e.reason(),
        "argument " + (index + 1) + " of event \"" + event + "\": " + e.getMessage(),
        e.getCause());
  }

  private void argument(@Nullable Object value, int index) {
    boolean trapped = trap != null;
    value(value);
    if (trap != null && !trapped) {
      trapArgument = index;
    }
    if (binaries > limits.maxAttachments) {
      throw new SioemitException(
          Reason.UNENCODABLE,
          "more than "
              + limits.maxAttachments
              + " binary values in one event disconnect clients with socket.io-parser 4.2.6 or"
              + " later; send fewer, or set maxAttachments if yours take more");
    }
  }

  private void value(@Nullable Object value) {
    if (value == null) {
      out.nil();
    } else if (value instanceof String text) {
      out.text(text);
    } else if (value instanceof Integer number) {
      out.integer(number);
    } else if (value instanceof Map<?, ?> map) {
      map(map);
    } else if (value instanceof Collection<?> items) {
      items(items, items.size());
    } else if (value instanceof Double number) {
      number(number);
    } else if (value instanceof Boolean bool) {
      out.bool(bool);
    } else if (value instanceof Number number) {
      number(number);
    } else if (value instanceof byte[] bytes) {
      binary(ByteBuffer.wrap(bytes));
    } else if (value instanceof ByteBuffer bytes) {
      binary(bytes);
    } else if (value instanceof CharSequence || value instanceof Character) {
      out.text(value.toString());
    } else if (value.getClass().isArray()) {
      array(value);
    } else {
      rarer(value);
    }
  }

  private void binary(ByteBuffer bytes) {
    binaries++;
    binary.write(out, bytes);
  }

  private void rarer(Object value) {
    String time = Times.text(value);
    if (time != null) {
      out.text(time);
    } else if (value instanceof UUID || value instanceof URI) {
      out.text(value.toString());
    } else if (value instanceof Optional<?> optional) {
      value(optional.orElse(null));
    } else if (value instanceof OptionalInt optional) {
      value(optional.isPresent() ? optional.getAsInt() : null);
    } else if (value instanceof OptionalLong optional) {
      value(optional.isPresent() ? optional.getAsLong() : null);
    } else if (value instanceof OptionalDouble optional) {
      value(optional.isPresent() ? optional.getAsDouble() : null);
    } else if (value instanceof AtomicBoolean bool) {
      out.bool(bool.get());
    } else {
      object(value);
    }
  }

  /** Writes what the converter makes of an object, or else what can be known of it without. */
  private void object(Object value) {
    Object plain = converted(value);
    if (plain != value) {
      conversions++;
      enter(value);
      value(plain);
      leave();
      conversions--;
    } else if (value instanceof Enum<?> constant) {
      out.text(constant.name());
    } else if (value instanceof Record) {
      record(value);
    } else if (value instanceof Iterable<?> items && Shapes.isSequence(value.getClass())) {
      items(items, 0);
    } else {
      throw new SioemitException(
          Reason.UNENCODABLE,
          "an object of "
              + value.getClass()
              + " has no JSON form of its own; give the emitter a converter, such as Jackson's");
    }
  }

  private @Nullable Object converted(Object value) {
    if (limits.converter == null) {
      return value;
    }
    try {
      return limits.converter.apply(value);
    } catch (SioemitException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new SioemitException(
          Reason.UNENCODABLE,
          "the converter does not take the " + value.getClass().getName() + ": " + e.getMessage(),
          e);
    }
  }

  private void number(Number number) {
    if (number instanceof Long || number instanceof AtomicLong) {
      long exact = number.longValue();
      if (-MAX_INTEGER <= exact && exact <= MAX_INTEGER) {
        out.integer(exact);
      } else {
        out.float64((double) exact);
      }
    } else if (number instanceof Short
        || number instanceof Byte
        || number instanceof AtomicInteger) {
      out.integer(number.intValue());
    } else if (number instanceof Double
        || number instanceof Float
        || number instanceof BigInteger
        || number instanceof BigDecimal) {
      double value = shortest(number);
      if (!Double.isFinite(value)) {
        throw new SioemitException(
            Reason.UNENCODABLE,
            number instanceof Double || number instanceof Float
                ? number + " has no JSON form"
                : "a number beyond every float64 would arrive as Infinity");
      }
      if (number instanceof BigInteger big && big.abs().compareTo(BIG_MAX_INTEGER) > 0) {
        out.float64(value);
      } else {
        number(value);
      }
    } else {
      object(number);
    }
  }

  private void number(double value) {
    if (value == Math.rint(value) && Math.abs(value) <= MAX_INTEGER) {
      out.integer((long) value);
    } else if (Double.isFinite(value)) {
      out.float64(value);
    } else {
      throw new SioemitException(Reason.UNENCODABLE, value + " has no JSON form");
    }
  }

  /** Returns a number by its shortest decimal: a float of 0.1 is 0.1. */
  static double shortest(Number number) {
    return number instanceof Float ? Double.parseDouble(number.toString()) : number.doubleValue();
  }

  private void map(Map<?, ?> map) {
    enter(map);
    int start = out.length();
    int foreseen = map.size();
    int size = 0;
    out.map(foreseen);
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      member(key(entry.getKey()), entry.getValue());
      size++;
    }
    if (size != foreseen) { // another thread has changed it
      out.resize(start, foreseen, size, true);
    }
    leave();
  }

  private void record(Object value) {
    enter(value);
    Method[] components = Shapes.componentsOf(value.getClass());
    out.map(components.length);
    for (Method component : components) {
      Object item;
      try {
        if (!component.canAccess(value)) {
          component.setAccessible(true);
        }
        item = component.invoke(value);
      } catch (InaccessibleObjectException | IllegalAccessException e) {
        throw new SioemitException(
            Reason.UNENCODABLE,
            value.getClass() + " is not open to reflection; give the emitter a converter",
            e);
      } catch (InvocationTargetException e) {
        throw new SioemitException(
            Reason.UNENCODABLE, component + " threw " + e.getCause(), e.getCause());
      }
      member(component.getName(), item);
    }
    leave();
  }

  private void member(String key, @Nullable Object value) {
    out.text(key);
    int start = out.length();
    value(value);
    if (key.equals("__proto__")) {
      throw new SioemitException(
          Reason.UNENCODABLE,
          "the key \"__proto__\" replaces the prototype of its object, and may end servers");
    }
    // Parsers call hasOwnProperty, and take the object of a true _placeholder for a binary.
    if (key.equals("hasOwnProperty") || (key.equals("_placeholder") && !falsy(out.at(start)))) {
      trap = key;
    }
  }

  /** Tells whether JavaScript takes a value for false, by its first byte: null, false, 0 or "". */
  private static boolean falsy(int type) {
    return type == 0xc0 || type == 0xc2 || type == 0x00 || type == 0xa0;
  }

  private String key(@Nullable Object key) {
    if (key instanceof String text) {
      return text;
    }
    if (key instanceof Enum<?> constant) {
      return converted(constant) instanceof String text ? text : constant.name();
    }
    if (key instanceof CharSequence
        || key instanceof Character
        || key instanceof Boolean
        || key instanceof UUID
        || key instanceof Integer
        || key instanceof Long
        || key instanceof Short
        || key instanceof Byte
        || key instanceof BigInteger) {
      return key.toString();
    }
    throw new SioemitException(
        Reason.UNENCODABLE,
        key == null
            ? "a key is null"
            : "a key of " + key.getClass() + ": keys are text, whole numbers, enums or UUIDs");
  }

  private void items(Iterable<?> items, int foreseen) {
    enter(items);
    int start = out.length();
    int size = 0;
    out.array(foreseen);
    for (Object item : items) {
      value(item);
      size++;
    }
    if (size != foreseen) {
      out.resize(start, foreseen, size, false);
    }
    leave();
  }

  private void array(Object array) {
    if (array instanceof char[] text) {
      out.text(new String(text));
      return;
    }
    enter(array);
    int size = Array.getLength(array);
    out.array(size);
    for (int i = 0; i < size; i++) {
      value(Array.get(array, i));
    }
    leave();
  }

  private void enter(Object container) {
    if (depth >= SHALLOW) {
      for (int i = 0; i < depth; i++) {
        if (path[i] == container) {
          throw new SioemitException(Reason.UNENCODABLE, "it holds itself, which JSON cannot");
        }
      }
      if (depth - conversions == limits.maxDepth || conversions > limits.maxDepth) {
        throw new SioemitException(Reason.TOO_DEEP, limits.tooDeep);
      }
      if (depth == path.length) {
        path = Arrays.copyOf(path, 2 * depth);
      }
    }
    path[depth++] = container;
  }

  private void leave() {
    depth--;
  }
}
