package io.github.sioemit;

import java.util.HashSet;
import java.util.Set;

/** Counts the servers that answer. */
final class ServerCollector implements Collector<Long> {
  /** How the uid of one begins who listens, and answers as a server does. */
  private static final String LISTENER = "listen-";

  private final Set<String> seen = new HashSet<>();
  private long servers;
  private long others;

  @Override
  public boolean wants(Reply reply) {
    return reply.kind() == Reply.Kind.SOCKETS && !seen.contains(reply.uid());
  }

  /** Takes an answer. With the classic adapter nobody says who it is. */
  @Override
  public void add(Reply reply) {
    if (!reply.uid().isEmpty()) {
      seen.add(reply.uid());
    }
    if (reply.uid().startsWith(LISTENER)) {
      others++;
    } else {
      servers++;
    }
  }

  @Override
  public long servers() {
    return servers;
  }

  @Override
  public long others() {
    return others;
  }

  @Override
  public Long result(long asked) {
    return servers;
  }
}
