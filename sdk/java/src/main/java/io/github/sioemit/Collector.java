package io.github.sioemit;

/** Takes the replies to one question, and says what they add up to. */
interface Collector<T> {
  /** Tells whether a reply is of use. It is not decoded otherwise. */
  boolean wants(Reply reply);

  /** Takes a reply that is; what cannot be read is {@link Malformed}. */
  void add(Reply reply);

  /** How many servers have answered. */
  long servers();

  /** How many have answered that are no servers, as sioemit does where it listens. */
  default long others() {
    return 0;
  }

  /** How many clients have acknowledged. */
  default long clients() {
    return 0;
  }

  /** How many clients servers expect to acknowledge. */
  default long expected() {
    return 0;
  }

  /** What there is when so many servers were asked. */
  T result(long asked);

  /** Tells whether the replies of so many servers are all there. */
  default boolean complete(long asked) {
    return servers() + others() >= asked && clients() >= expected();
  }
}
