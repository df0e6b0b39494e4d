package io.github.sioemit;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What an emitter needs of a Redis client. {@link JedisPublisher} and {@link LettucePublisher} are
 * there; one for another client takes these three methods, and those of {@link Subscriber} to ask.
 * It deals in bytes, because a message that a codec took for text is no message any more.
 *
 * <p>A publisher is safe for use by many threads.
 */
public interface Publisher {
  /**
   * Sends commands in their order, in one round trip where the client can. It returns once Redis
   * has taken all of them, and throws the error of the client when Redis has refused one.
   *
   * @param commands the commands, at least one
   */
  void send(List<Command> commands);

  /**
   * Does as {@link #send} without waiting. What is sent by one thread keeps its order.
   *
   * @param commands the commands, at least one
   * @return what completes once Redis has taken all of them
   */
  CompletableFuture<Void> sendAsync(List<Command> commands);

  /**
   * Counts who listens on a channel, by {@code PUBSUB NUMSUB} or {@code SHARDNUMSUB}. On a Redis
   * Cluster each node knows its own subscribers only, so that the nodes have to be added up,
   * replicas too.
   *
   * @param channel the channel
   * @param sharded whether it is a channel of {@code SSUBSCRIBE}
   * @return how many subscribe to it
   */
  long subscribers(byte[] channel, boolean sharded);
}
