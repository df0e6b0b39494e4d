package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A message, or a value in it, that has been found but not decoded. It may come from anyone:
 * nothing is allocated by a length that it claims, and it is decoded into no more memory than its
 * size justifies.
 */
abstract class Incoming {
  /** Servers end, or go deaf, on deeper values. */
  static final int MAX_DEPTH = 1000;

  /** About what a value takes in memory, in bytes; a member of an object takes two. */
  private static final int VALUE = 48;

  /** What a list or an object takes beside what it holds. */
  private static final int NESTED = 200;

  private static final long FREE = 64L << 20;

  /** Real answers take less than this times their size. */
  private static final int JUSTIFIED = 16;

  final byte[] in;
  final int end;
  int at;
  private final int start;
  private long budget;

  Incoming(byte[] in, int start, int end) {
    this.in = in;
    this.start = start;
    this.end = end;
    at = start;
  }

  /** Returns a whole message: those in MessagePack do not start as a JSON object does. */
  static Incoming of(byte[] message) {
    boolean json = message.length > 0 && message[0] == '{';
    return json
        ? new IncomingJson(message, 0, message.length)
        : new IncomingPack(message, 0, message.length);
  }

  /** Returns the members of an object that have these names. Of two of a name the last counts. */
  final Map<String, Incoming> members(Set<String> wanted) {
    at = start;
    Map<String, Incoming> members = findMembers(wanted);
    whole();
    return members;
  }

  /** Decodes all of it: text, numbers, lists, maps in their own order, bytes for binary. */
  final @Nullable Object decode() {
    at = start;
    budget = FREE + (long) JUSTIFIED * (end - start);
    Object value = value(0);
    whole();
    return value;
  }

  /** Decodes a short text, such as an id. */
  final @Nullable String name() {
    return end - start <= 1024 && decode() instanceof String text ? text : null;
  }

  /** Decodes a small whole number; what is none is -1. */
  final int smallNumber() {
    return end - start <= 16 && decode() instanceof Long number ? number.intValue() : -1;
  }

  abstract boolean isObject();

  abstract boolean isNull();

  abstract Map<String, Incoming> findMembers(Set<String> wanted);

  abstract @Nullable Object value(int depth);

  /** Pays for a list or an object. */
  final void nested(int depth) {
    spend(NESTED);
    if (depth >= MAX_DEPTH) {
      throw new Malformed("it is nested deeper than 1,000 levels");
    }
  }

  final void spend(long more) {
    budget -= VALUE + more;
    if (budget < 0) {
      throw new Malformed("it would take far more memory than its size justifies");
    }
  }

  final int next() {
    if (at >= end) {
      throw new Malformed("it ends early");
    }
    return in[at++] & 0xff;
  }

  final String text(int from, int to) {
    return new String(in, from, to - from, UTF_8);
  }

  private void whole() {
    if (at != end) {
      throw new Malformed("something follows it");
    }
  }

  final int start() {
    return start;
  }
}
