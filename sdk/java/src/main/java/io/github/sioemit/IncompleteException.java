package io.github.sioemit;

import org.jspecify.annotations.Nullable;

/** Replies that did not come before the deadline. What did come is {@link #partial()}. */
public final class IncompleteException extends AskException {
  private static final long serialVersionUID = 1;

  /** What the call has to say about it. */
  private transient Answers answers;

  IncompleteException(Answers answers, @Nullable Throwable cause) {
    super(Reason.INCOMPLETE, answers.text() + (cause == null ? ": time ran out" : ""), cause);
    this.answers = answers;
  }

  /** How far a question got. */
  record Answers(
      String call,
      long servers,
      long asked,
      long clients,
      long expected,
      long unread,
      String needs,
      Object partial) {
    Answers with(Object other) {
      return new Answers(call, servers, asked, clients, expected, unread, needs, other);
    }

    String text() {
      String text = call + ": " + servers + " of " + asked + " servers answered";
      if (expected > 0) {
        text += ", and " + clients + " of " + expected + " clients";
      }
      if (unread > 0) {
        text += "; " + unread + " more answers could not be read";
      }
      if (!needs.isEmpty()) {
        text += "; servers answer it with " + needs;
      }
      return text;
    }
  }

  /** Returns the same with what another call would have returned when nothing came. */
  IncompleteException instead(Object partial) {
    answers = answers.with(partial);
    return this;
  }

  /**
   * Returns the name of the call.
   *
   * @return such as {@code "emitWithAck"}
   */
  public String call() {
    return answers.call;
  }

  /**
   * Returns how many servers answered.
   *
   * @return how many
   */
  public long servers() {
    return answers.servers;
  }

  /**
   * Returns how many servers were asked.
   *
   * @return how many; 0 where Redis did not even say who listens
   */
  public long asked() {
    return answers.asked;
  }

  /**
   * Returns how many clients acknowledged the event of {@code emitWithAck}.
   *
   * @return how many
   */
  public long clients() {
    return answers.clients;
  }

  /**
   * Returns how many clients the servers expect to acknowledge it.
   *
   * @return how many, of the servers that have said so
   */
  public long expected() {
    return answers.expected;
  }

  /**
   * Returns how many answers could not be read.
   *
   * @return how many
   */
  public long unread() {
    return answers.unread;
  }

  /**
   * Returns what a server needs to answer this call, which is likely the reason when none did.
   *
   * @return a version, or a handler; empty when a server answered
   */
  public String needs() {
    return answers.needs;
  }

  /**
   * Returns what came, as the call would have returned it.
   *
   * @return {@link Acks}, or a list; of {@code confirm} the number of servers
   */
  public Object partial() {
    return answers.partial;
  }
}
