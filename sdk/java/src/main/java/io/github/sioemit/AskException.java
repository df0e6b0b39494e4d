package io.github.sioemit;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A question that servers have not answered, or not all of them. */
public sealed class AskException extends RuntimeException
    permits IncompleteException, MaybeAskedException, UnconfirmedException {
  private static final long serialVersionUID = 1;

  /** The reason, for programs. */
  private final Reason reason;

  /** What the message says behind its end. */
  private String note = "";

  AskException(Reason reason, @Nullable String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  static AskException noServers(String call, String namespace) {
    return new AskException(
        Reason.NO_SERVERS,
        call + ": no server listens on namespace " + namespace + ", and nothing was sent",
        null);
  }

  static AskException closed() {
    return new AskException(Reason.CLOSED, "the emitter has been closed", null);
  }

  static AskException lost(Throwable why) {
    return new AskException(
        Reason.SUBSCRIPTION, "the connection for replies was lost: " + text(why), why);
  }

  /**
   * Says so of a channel.
   *
   * @param node to which it has moved, if it has
   */
  static AskException notSubscribed(@Nullable String node) {
    return new AskException(
        Reason.SUBSCRIPTION,
        "Redis did not confirm the subscription for replies in time; "
            + (node == null ? "" : moved(node) + "; ")
            + "nothing was asked",
        null);
  }

  /** Says why the node cannot be reached to which a shard channel has moved. */
  static String unreachable(Object node, Throwable why) {
    return moved(node) + ": " + text(why);
  }

  private static String moved(Object node) {
    return "its channel has moved to " + node + ", as Redis says";
  }

  static String text(Throwable why) {
    String message = why.getMessage();
    return message == null ? why.getClass().getSimpleName().toLowerCase(Locale.ROOT) : message;
  }

  /** Returns the same for another call, which may add to it, and fills in where it was made. */
  AskException again() {
    return new AskException(reason, super.getMessage(), getCause());
  }

  /** Says of a question that was asked before binary is sent that it was not sent. */
  void noteUnsentBinary() {
    note = "; the binary was not sent, because it is not certain that all servers can read it";
  }

  @Override
  public String getMessage() {
    return super.getMessage() + note;
  }

  /**
   * Returns why the question was not answered, for programs. The message says it for people.
   *
   * @return {@link Reason#NO_SERVERS}, {@link Reason#INCOMPLETE}, {@link Reason#SUBSCRIPTION},
   *     {@link Reason#MAYBE_ASKED}, {@link Reason#UNCONFIRMED} or {@link Reason#CLOSED}
   */
  public Reason reason() {
    return reason;
  }
}
