package io.github.sioemit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** JSON, in which binary is what {@code JSON.stringify} makes of a Buffer. */
final class IncomingJson extends Incoming {
  /** An integer of so many digits is exact, whatever they are. */
  private static final int EXACT_DIGITS = 15;

  IncomingJson(byte[] in, int start, int end) {
    super(in, start, end);
  }

  @Override
  boolean isObject() {
    return in[start()] == '{';
  }

  @Override
  boolean isNull() {
    return in[start()] == 'n';
  }

  @Override
  Map<String, Incoming> findMembers(Set<String> wanted) {
    Map<String, Incoming> members = new HashMap<>();
    expect('{');
    if (!opens('}')) {
      do {
        skipSpace();
        int from = at;
        skip();
        String name = in[from] == '"' ? new IncomingJson(in, from, at).name() : null;
        expect(':');
        skipSpace();
        int value = at;
        skip();
        if (name != null && wanted.contains(name)) {
          members.put(name, new IncomingJson(in, value, at));
        }
      } while (goesOn('}'));
    }
    skipSpace();
    return members;
  }

  /** Passes a value without building anything of it, however deep it is. */
  private void skip() {
    int depth = 0;
    int from = at;
    do {
      int c = next();
      if (c == '"') {
        skipText();
      } else if (c == '{' || c == '[') {
        depth++;
      } else if (c == '}' || c == ']') {
        depth--;
      }
    } while (depth > 0 || (depth == 0 && in[from] != '"' && inWord(from)));
    if (depth < 0) {
      throw new Malformed("a value is missing");
    }
  }

  /** Tells whether a number, true, false or null that began there goes on. */
  private boolean inWord(int from) {
    return in[from] != '{' && in[from] != '[' && at < end && ",:]} \t\r\n".indexOf(in[at]) < 0;
  }

  private void skipText() {
    for (int c = next(); c != '"'; c = next()) {
      if (c == '\\') {
        next();
      }
    }
  }

  private void skipSpace() {
    while (at < end && (in[at] == ' ' || in[at] == '\n' || in[at] == '\r' || in[at] == '\t')) {
      at++;
    }
  }

  private void expect(int wanted) {
    skipSpace();
    if (next() != wanted) {
      throw new Malformed("it is no JSON");
    }
  }

  /** Tells whether a list or an object is empty, and passes its end. */
  private boolean opens(int closing) {
    skipSpace();
    if (at < end && in[at] == closing) {
      at++;
      return true;
    }
    return false;
  }

  /** Passes what stands behind an element, and tells whether another one follows. */
  private boolean goesOn(int closing) {
    skipSpace();
    int c = next();
    if (c != ',' && c != closing) {
      throw new Malformed("it is no JSON");
    }
    return c == ',';
  }

  @Override
  @Nullable Object value(int depth) {
    skipSpace();
    spend(0);
    Object value =
        switch (next()) {
          case '{' -> object(depth);
          case '[' -> list(depth);
          case '"' -> string();
          case 't' -> word("true", true);
          case 'f' -> word("false", false);
          case 'n' -> word("null", null);
          default -> number();
        };
    skipSpace();
    return value;
  }

  private @Nullable Object word(String word, @Nullable Object value) {
    int from = at - 1;
    at = Math.min(end, from + word.length());
    if (!text(from, at).equals(word)) {
      throw new Malformed("it is no JSON");
    }
    return value;
  }

  private Object list(int depth) {
    nested(depth);
    List<@Nullable Object> list = new ArrayList<>();
    if (!opens(']')) {
      do {
        list.add(value(depth + 1));
      } while (goesOn(']'));
    }
    return list;
  }

  private Object object(int depth) {
    nested(depth);
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    if (!opens('}')) {
      do {
        expect('"');
        spend(0);
        String name = string();
        expect(':');
        members.put(name, value(depth + 1));
      } while (goesOn('}'));
    }
    byte[] buffer = buffer(members);
    return buffer == null ? members : buffer;
  }

  private static byte @Nullable [] buffer(Map<String, @Nullable Object> members) {
    if (members.size() != 2
        || !"Buffer".equals(members.get("type"))
        || !(members.get("data") instanceof List<?> list)) {
      return null;
    }
    byte[] bytes = new byte[list.size()];
    for (int i = 0; i < bytes.length; i++) {
      if (!(list.get(i) instanceof Long octet) || octet < 0 || octet > 255) {
        return null;
      }
      bytes[i] = octet.byteValue();
    }
    return bytes;
  }

  private String string() {
    int from = at;
    skipText();
    int to = at - 1;
    spend(2L * (to - from));
    int escape = from;
    while (escape < to && in[escape] != '\\') {
      escape++;
    }
    return escape == to ? text(from, to) : unescape(text(from, to));
  }

  private static String unescape(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      c = text.charAt(++i);
      switch (c) {
        case '"', '\\', '/' -> out.append(c);
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'n' -> out.append('\n');
        case 'r' -> out.append('\r');
        case 't' -> out.append('\t');
        case 'u' -> {
          out.append(unit(text, i + 1));
          i += 4;
        }
        default -> throw new Malformed("it is no JSON");
      }
    }
    return out.toString();
  }

  private static char unit(String text, int from) {
    int unit = 0;
    for (int i = from; i < from + 4; i++) {
      int digit = i < text.length() ? Character.digit(text.charAt(i), 16) : -1;
      if (digit < 0) {
        throw new Malformed("it is no JSON");
      }
      unit = (unit << 4) | digit;
    }
    return (char) unit;
  }

  private Object number() {
    int from = at - 1;
    boolean whole = true;
    while (at < end && "+-.eE0123456789".indexOf(in[at]) >= 0) {
      whole &= Character.isDigit(in[at]);
      at++;
    }
    String digits = text(from, at);
    try {
      if (whole && at - from <= EXACT_DIGITS) {
        return Long.valueOf(digits);
      }
      double value = Double.parseDouble(digits);
      if (Double.isInfinite(value)) {
        throw new Malformed("a number is too large for JavaScript");
      }
      if (value == Math.rint(value) && Math.abs(value) <= Encoder.MAX_INTEGER) {
        return (long) value;
      }
      return value;
    } catch (NumberFormatException e) {
      throw new Malformed("it is no JSON");
    }
  }
}
