package io.github.sioemit;

import org.jspecify.annotations.Nullable;

/** A call that was refused. Nothing has been sent. */
public final class SioemitException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  /** The reason, for programs. */
  private final Reason reason;

  SioemitException(Reason reason, String message) {
    this(reason, message, null);
  }

  SioemitException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /**
   * Returns why the call was refused, for programs. The message says it for people.
   *
   * @return the reason
   */
  public Reason reason() {
    return reason;
  }
}
