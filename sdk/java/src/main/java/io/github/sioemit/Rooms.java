package io.github.sioemit;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rooms that a server names: those that are text, and those that are numbers. */
record Rooms(List<String> names, List<Number> numbers) {
  /**
   * Skips what is neither: JavaScript lets a server {@code join(undefined)}, which no other room of
   * that server must suffer for.
   */
  static Rooms of(List<?> rooms) {
    List<String> names = new ArrayList<>();
    List<Number> numbers = new ArrayList<>();
    for (Object room : rooms) {
      if (room instanceof String name) {
        names.add(name);
      } else if (room instanceof Number number) {
        numbers.add(number);
      }
    }
    return new Rooms(List.copyOf(names), List.copyOf(numbers));
  }

  static List<?> list(@Nullable Object value) {
    if (value instanceof List<?> list) {
      return list;
    }
    throw new Malformed("it is no list");
  }
}
