package io.github.sioemit;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Turns what {@link MessagePack} wrote into JSON: what holds no binary has such a form, too. */
final class JsonText {
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  private final ByteBuffer in;
  private final ByteArrayOutputStream out;

  private JsonText(MessagePack from) {
    in = ByteBuffer.wrap(from.array(), 0, from.length());
    out = new ByteArrayOutputStream(2 * from.length());
  }

  static byte[] of(MessagePack message) {
    JsonText json = new JsonText(message);
    json.value();
    return json.out.toByteArray();
  }

  private void value() {
    int type = in.get() & 0xff;
    if (type < 0x80 || type >= 0xe0) {
      ascii(Integer.toString((byte) type));
    } else if (type < 0x90) {
      map(type & 0x0f);
    } else if (type < 0xa0) {
      array(type & 0x0f);
    } else if (type < 0xc0) {
      text(type & 0x1f);
    } else {
      switch (type) {
        case 0xc0 -> ascii("null");
        case 0xc2 -> ascii("false");
        case 0xc3 -> ascii("true");
        case 0xcb -> ascii(Double.toString(in.getDouble()));
        case 0xcc -> ascii(Integer.toString(in.get() & 0xff));
        case 0xcd -> ascii(Integer.toString(in.getShort() & 0xffff));
        case 0xce -> ascii(Integer.toUnsignedString(in.getInt()));
        case 0xcf, 0xd3 -> ascii(Long.toString(in.getLong()));
        case 0xd0 -> ascii(Integer.toString(in.get()));
        case 0xd1 -> ascii(Integer.toString(in.getShort()));
        case 0xd2 -> ascii(Integer.toString(in.getInt()));
        case 0xd9 -> text(in.get() & 0xff);
        case 0xda -> text(in.getShort() & 0xffff);
        case 0xdb -> text(in.getInt());
        case 0xdc -> array(in.getShort() & 0xffff);
        case 0xdd -> array(in.getInt());
        case 0xde -> map(in.getShort() & 0xffff);
        case 0xdf -> map(in.getInt());
        default -> throw new IllegalStateException("no JSON for type " + Integer.toHexString(type));
      }
    }
  }

  private void array(int size) {
    out.write('[');
    for (int i = 0; i < size; i++) {
      if (i > 0) {
        out.write(',');
      }
      value();
    }
    out.write(']');
  }

  private void map(int size) {
    out.write('{');
    for (int i = 0; i < size; i++) {
      if (i > 0) {
        out.write(',');
      }
      value();
      out.write(':');
      value();
    }
    out.write('}');
  }

  private void text(int size) {
    out.write('"');
    for (int end = in.position() + size; in.position() < end; ) {
      byte b = in.get();
      if (b == '"' || b == '\\') {
        out.write('\\');
        out.write(b);
      } else if (b >= 0 && b < 0x20) {
        ascii("\\u00");
        out.write(HEX[b >> 4]);
        out.write(HEX[b & 0x0f]);
      } else {
        out.write(b);
      }
    }
    out.write('"');
  }

  private void ascii(String text) {
    out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
  }
}
