package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

/** The first and the last entry that were added to a stream. */
record Span(Entry first, Entry last) {
  /**
   * Returns the span with another entry. Several may be added at the same time, so that the answers
   * of Redis come in any order.
   */
  Span with(Entry entry) {
    if (entry.compareTo(first) < 0) {
      return new Span(entry, last);
    }
    return entry.compareTo(last) > 0 ? new Span(first, entry) : this;
  }

  /**
   * Tells whether something of it is not in the stream any more, now that every server has read
   * beyond it: entries that were trimmed before they were read, or that a Redis has lost which took
   * the place of another. While the first one is there, none behind it has been trimmed.
   */
  boolean isGone(NodePublisher publisher, String stream) {
    return isGone(publisher, stream, first) || isGone(publisher, stream, last);
  }

  private static boolean isGone(NodePublisher publisher, String stream, Entry entry) {
    byte[] id = entry.toString().getBytes(UTF_8);
    Object found = publisher.look(new Command("XRANGE", stream.getBytes(UTF_8), id, id));
    return Answer.list(found).isEmpty();
  }
}
