package io.github.sioemit;

import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.CommandOutput;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whatever Redis answers to Lettuce: bytes, numbers, lists of them. */
final class AnswerOutput extends CommandOutput<byte[], byte[], Object> {
  /** The lists that are not complete, the innermost first. */
  private final Deque<Part> open = new ArrayDeque<>();

  AnswerOutput() {
    super(ByteArrayCodec.INSTANCE, List.of());
  }

  /** A list, of which so many items are there in the end. */
  private record Part(List<@Nullable Object> items, int count) {}

  @Override
  public void set(@Nullable ByteBuffer bytes) {
    add(bytes == null ? null : ByteArrayCodec.INSTANCE.decodeValue(bytes));
  }

  @Override
  public void setSingle(@Nullable ByteBuffer bytes) {
    set(bytes);
  }

  @Override
  public void set(long number) {
    add(number);
  }

  @Override
  public void set(double number) {
    add(number);
  }

  @Override
  public void set(boolean value) {
    add(value);
  }

  @Override
  public void multi(int count) {
    open.push(new Part(new ArrayList<>(), Math.max(0, count)));
    close();
  }

  private void add(@Nullable Object item) {
    Part innermost = open.peek();
    if (innermost != null) {
      innermost.items.add(item);
      close();
    } else if (item != null) {
      output = item;
    }
  }

  /** Puts a list that is complete where it belongs. */
  private void close() {
    Part innermost = open.peek();
    if (innermost != null && innermost.items.size() == innermost.count) {
      open.pop();
      add(innermost.items);
    }
  }
}
