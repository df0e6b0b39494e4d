package io.github.sioemit;

/** One Redis, of which a cluster has several. */
interface Node {
  /**
   * Sends a command that only looks.
   *
   * @return what Redis answers: bytes, numbers, lists of them
   */
  Object look(String... words);

  /** Publishes a question by this node, as {@link Subscriber#ask} does. */
  void ask(Command question);
}
