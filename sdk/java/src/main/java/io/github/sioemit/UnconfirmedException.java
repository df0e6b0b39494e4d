package io.github.sioemit;

import org.jspecify.annotations.Nullable;

/**
 * A confirmation that proves nothing. All servers have answered, and it is not certain all the same
 * that they have taken everything: a server's connection to Redis was cut, and may have come back
 * without what was on its way; a Redis, or a link between two, was replaced; a stream was trimmed
 * before it was read; or Redis does not let this user look. The message says which. The next
 * confirmation begins anew.
 */
public final class UnconfirmedException extends AskException {
  private static final long serialVersionUID = 1;

  /** How many servers have answered. */
  private final long servers;

  UnconfirmedException(long servers, String why, @Nullable Throwable cause) {
    super(
        Reason.UNCONFIRMED,
        "confirm: whether the servers have taken everything cannot be known: " + why,
        cause);
    this.servers = servers;
  }

  /**
   * Returns how many servers have answered.
   *
   * @return how many
   */
  public long servers() {
    return servers;
  }
}
