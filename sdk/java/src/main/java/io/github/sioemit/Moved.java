package io.github.sioemit;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Where a node of a Redis Cluster says that a slot is. */
record Moved(String host, int port) {
  private static final Pattern MOVED = Pattern.compile("MOVED \\d+ (\\S*):(\\d+)");

  /**
   * Reads what Redis says to a command, or returns null when that is something else.
   *
   * @param by the host of the node that says it, which leaves out a host that is its own
   */
  static @Nullable Moved of(Throwable error, String by) {
    String message = error.getMessage();
    Matcher matcher = MOVED.matcher(message == null ? "" : message);
    if (!matcher.matches()) {
      return null;
    }
    String host = matcher.group(1);
    return new Moved(host.isEmpty() ? by : host, Integer.parseInt(matcher.group(2)));
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
