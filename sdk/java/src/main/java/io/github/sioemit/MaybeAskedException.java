package io.github.sioemit;

/**
 * A question that was on its way to Redis when the connection broke, or time ran out. Nobody knows
 * whether servers have got it, and it is not asked again: those that have would answer, and act,
 * twice. {@link BroadcastOperator#fetchSockets}, {@link BroadcastOperator#rooms} and {@link
 * BroadcastOperator#confirm}, which change nothing, have asked again, as another question.
 */
public final class MaybeAskedException extends AskException {
  private static final long serialVersionUID = 1;

  /**
   * Says so of a question. It is for a {@link Subscriber}.
   *
   * @param cause what became of the connection
   */
  public MaybeAskedException(Throwable cause) {
    super(
        Reason.MAYBE_ASKED,
        "it is not known whether the servers were asked, because Redis has not answered: "
            + text(cause),
        cause);
  }
}
