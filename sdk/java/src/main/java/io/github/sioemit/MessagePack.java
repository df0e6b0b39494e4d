package io.github.sioemit;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Writes MessagePack, in its smallest forms, into an array that grows. */
final class MessagePack {
  /** The one byte that is null. */
  static final int NIL = 0xc0;

  private static final int LARGEST = Integer.MAX_VALUE - 8;

  private byte[] bytes = new byte[256];
  private int length;

  int length() {
    return length;
  }

  int at(int position) {
    return bytes[position] & 0xff;
  }

  void set(int position, int value) {
    bytes[position] = (byte) value;
  }

  byte[] toByteArray() {
    return Arrays.copyOf(bytes, length);
  }

  /** Returns what was written, in an array that may be longer than that. */
  byte[] array() {
    return bytes;
  }

  void nil() {
    one(NIL);
  }

  void bool(boolean value) {
    one(value ? 0xc3 : 0xc2);
  }

  void integer(long value) {
    if (value >= 0) {
      if (value < 1 << 7) {
        one((int) value);
      } else if (value < 1 << 8) {
        wide(0xcc, value, 1);
      } else if (value < 1 << 16) {
        wide(0xcd, value, 2);
      } else if (value < 1L << 32) {
        wide(0xce, value, 4);
      } else {
        wide(0xcf, value, 8);
      }
    } else if (value >= -(1 << 5)) {
      one((int) value);
    } else if (value >= Byte.MIN_VALUE) {
      wide(0xd0, value, 1);
    } else if (value >= Short.MIN_VALUE) {
      wide(0xd1, value, 2);
    } else if (value >= Integer.MIN_VALUE) {
      wide(0xd2, value, 4);
    } else {
      wide(0xd3, value, 8);
    }
  }

  void float64(double value) {
    wide(0xcb, Double.doubleToRawLongBits(value), 8);
  }

  void array(int size) {
    header(size, 0x90, 0xdc);
  }

  void map(int size) {
    header(size, 0x80, 0xde);
  }

  private void header(int size, int small, int type) {
    if (size < 1 << 4) {
      one(small | size);
    } else if (size < 1 << 16) {
      wide(type, size, 2);
    } else {
      wide(type + 1, size, 4);
    }
  }

  /**
   * Corrects the header of an array or a map that holds another number than was foreseen. What
   * follows it moves when the header needs more room, or less.
   */
  void resize(int position, int foreseen, int size, boolean map) {
    int end = length;
    int was = headerLength(foreseen);
    int shift = headerLength(size) - was;
    reserve(4);
    System.arraycopy(bytes, position + was, bytes, position + was + shift, end - position - was);
    length = position;
    if (map) {
      map(size);
    } else {
      array(size);
    }
    length = end + shift;
  }

  private static int headerLength(int size) {
    return size < 1 << 4 ? 1 : size < 1 << 16 ? 3 : 5;
  }

  void binary(ByteBuffer value) {
    int size = value.remaining();
    sized(size, 0xc4);
    reserve(size);
    value.get(value.position(), bytes, length, size);
    length += size;
  }

  /** Writes what another one has written. */
  void raw(MessagePack other) {
    raw(other.bytes, other.length);
  }

  /** Writes what is MessagePack already: most of a message is the same each time. */
  void raw(byte[] packed) {
    raw(packed, packed.length);
  }

  private void raw(byte[] packed, int size) {
    reserve(size);
    System.arraycopy(packed, 0, bytes, length, size);
    length += size;
  }

  /** Writes text in UTF-8, with U+FFFD for each lone surrogate, as JavaScript does. */
  void text(String value) {
    int size = value.length();
    reserve(5L + size);
    byte[] to = bytes;
    int start = length + (size < 1 << 5 ? 1 : size < 1 << 8 ? 2 : size < 1 << 16 ? 3 : 5);
    for (int i = 0; i < size; i++) {
      char c = value.charAt(i);
      if (c >= 0x80) {
        wideText(value);
        return;
      }
      to[start + i] = (byte) c;
    }
    textHeader(size);
    length += size;
  }

  private void wideText(String value) {
    long size = 0;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < 0x80) {
        size++;
      } else if (c < 0x800) {
        size += 2;
      } else if (pairAt(value, i)) {
        size += 4;
        i++;
      } else {
        size += 3;
      }
    }
    reserve(5 + size);
    textHeader((int) size);
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < 0x80) {
        bytes[length++] = (byte) c;
      } else if (c < 0x800) {
        bytes[length++] = (byte) (0xc0 | (c >> 6));
        continuation(c);
      } else if (pairAt(value, i)) {
        int point = value.codePointAt(i++);
        bytes[length++] = (byte) (0xf0 | (point >> 18));
        continuation(point >> 12);
        continuation(point >> 6);
        continuation(point);
      } else {
        int point = Character.isSurrogate(c) ? 0xfffd : c;
        bytes[length++] = (byte) (0xe0 | (point >> 12));
        continuation(point >> 6);
        continuation(point);
      }
    }
  }

  private void continuation(int bits) {
    bytes[length++] = (byte) (0x80 | (bits & 0x3f));
  }

  private static boolean pairAt(String text, int i) {
    return Character.isHighSurrogate(text.charAt(i))
        && i + 1 < text.length()
        && Character.isLowSurrogate(text.charAt(i + 1));
  }

  private void textHeader(int size) {
    if (size < 1 << 5) {
      one(0xa0 | size);
    } else {
      sized(size, 0xd9);
    }
  }

  private void sized(int size, int type) {
    if (size < 1 << 8) {
      wide(type, size, 1);
    } else if (size < 1 << 16) {
      wide(type + 1, size, 2);
    } else {
      wide(type + 2, size, 4);
    }
  }

  private void one(int value) {
    reserve(1);
    bytes[length++] = (byte) value;
  }

  private void wide(int type, long value, int size) {
    reserve(9);
    bytes[length++] = (byte) type;
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      bytes[length++] = (byte) (value >> shift);
    }
  }

  private void reserve(long more) {
    if (more > bytes.length - length) {
      grow(length + more);
    }
  }

  private void grow(long needed) {
    if (needed > LARGEST) {
      throw new SioemitException(Reason.UNENCODABLE, "an event larger than 2 GB");
    }
    bytes = Arrays.copyOf(bytes, (int) Math.min(LARGEST, Math.max(needed, 2L * bytes.length)));
  }
}
