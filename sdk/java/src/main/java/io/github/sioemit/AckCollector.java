package io.github.sioemit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Waits for a number of clients of each server, and for as many acknowledgements as they add up to.
 * An acknowledgement may overtake the number.
 */
final class AckCollector implements Collector<Acks> {
  private final List<@Nullable Object> values = new ArrayList<>();
  private final List<Long> perServer = new ArrayList<>();
  private final Set<String> seen = new HashSet<>();
  private long expected;

  @Override
  public boolean wants(Reply reply) {
    return reply.kind() == Reply.Kind.ACK
        || (reply.kind() == Reply.Kind.ACK_COUNT && !seen.contains(reply.uid()));
  }

  @Override
  public void add(Reply reply) {
    Object value = reply.value();
    if (reply.kind() == Reply.Kind.ACK) {
      values.add(value);
      return;
    }
    if (!(value instanceof Long count) || count < 0 || count > Integer.MAX_VALUE) {
      throw new Malformed("clientCount is no count");
    }
    if (!reply.uid().isEmpty()) {
      seen.add(reply.uid());
    }
    perServer.add(count);
    expected += count;
  }

  @Override
  public long servers() {
    return perServer.size();
  }

  @Override
  public long clients() {
    return values.size();
  }

  @Override
  public long expected() {
    return expected;
  }

  @Override
  public Acks result(long asked) {
    return new Acks(
        Collections.unmodifiableList(new ArrayList<>(values)),
        expected,
        List.copyOf(perServer),
        asked);
  }
}
