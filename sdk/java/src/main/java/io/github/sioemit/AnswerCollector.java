package io.github.sioemit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Waits for the answer of each server to an event for servers. */
final class AnswerCollector implements Collector<List<@Nullable Object>> {
  private final List<@Nullable Object> values = new ArrayList<>();
  private final Set<String> seen = new HashSet<>();

  @Override
  public boolean wants(Reply reply) {
    return reply.kind() == Reply.Kind.SERVER_ANSWER && !seen.contains(reply.uid());
  }

  @Override
  public void add(Reply reply) {
    values.add(reply.value());
    if (!reply.uid().isEmpty()) {
      seen.add(reply.uid());
    }
  }

  @Override
  public long servers() {
    return values.size();
  }

  @Override
  public List<@Nullable Object> result(long asked) {
    return Collections.unmodifiableList(new ArrayList<>(values));
  }
}
