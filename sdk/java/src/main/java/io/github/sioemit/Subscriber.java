package io.github.sioemit;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * What asking needs of a {@link Publisher}, beside what it has. Without it a publisher can send,
 * and calls with replies are refused.
 */
public interface Subscriber {
  /**
   * Opens a connection of its own, and subscribes to channels on it. It returns at once: what comes
   * of it goes to the receiver, on any thread, but never on two at the same time. The connection
   * reads without a time limit, because a reply may take as long as it needs.
   *
   * @param channels the channels, at least one; all those of a connection are of one kind
   * @param sharded whether they are channels of {@code SSUBSCRIBE}; on a Redis Cluster these are
   *     all of the slot of the first one, on whose node they live
   * @param receiver what takes the replies
   * @return the connection
   */
  Subscription subscribe(List<byte[]> channels, boolean sharded, Receiver receiver);

  /**
   * Publishes a question, on one connection and once: a client that repeats a command whose
   * connection broke would have servers answer, and act, twice. An answer of Redis that it has not
   * carried out the command, such as MOVED, may be followed. The thread is interrupted when nobody
   * waits any more.
   *
   * @param question the command
   * @throws MaybeAskedException when the connection broke behind the first of its bytes; any other
   *     exception says that Redis has not taken it
   */
  void ask(Command question);

  /**
   * Tells whether shard channels live on the nodes of their slots, so that each needs a connection
   * of its own.
   *
   * @return whether it is a Redis Cluster
   */
  boolean isCluster();

  /**
   * Returns what runs asynchronous questions while they wait for Redis, and completes them.
   *
   * @return by default what {@link CompletableFuture} uses
   */
  default Executor executor() {
    return new CompletableFuture<>().defaultExecutor();
  }

  /** A connection for replies. */
  interface Subscription {
    /**
     * Subscribes to more channels, or to one once more, which Redis confirms again. It does not
     * wait for Redis, nor for the connection.
     *
     * @param channels the channels
     */
    void subscribe(List<byte[]> channels);

    /** Ends the connection, or gives up opening it. It does not wait for Redis. */
    void close();
  }

  /** What takes what comes on such a connection. */
  interface Receiver {
    /**
     * Is told that Redis has confirmed a subscription.
     *
     * @param channel the channel
     */
    void confirmed(byte[] channel);

    /**
     * Is given a message.
     *
     * @param message the message
     */
    void received(byte[] message);

    /**
     * Is told that Redis has named another node for the channels, to which they are followed.
     *
     * @param node its address
     */
    default void moved(String node) {}

    /**
     * Is told that the connection, or one of its subscriptions, has ended, or did not come about.
     *
     * @param why the reason, without passwords
     */
    void ended(Throwable why);
  }
}
