package io.github.sioemit;

/** What came is no message that a server sends. */
final class Malformed extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** It has no stack trace: whoever may publish on the channel can have it thrown all the time. */
  Malformed(String message) {
    super(message, null, false, false);
  }
}
