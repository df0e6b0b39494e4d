package io.github.sioemit;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandInterruptedException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.output.IntegerOutput;
import io.lettuce.core.output.ValueOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Publishes through a connection of Lettuce 6.5 or later: to one Redis, by Sentinel, or to a Redis
 * Cluster. The connection stays the caller's, and may have any codec: messages go past it.
 */
public final class LettucePublisher implements Publisher {
  private final StatefulConnection<byte[], byte[]> connection;
  private volatile boolean standsAlone;

  /**
   * Publishes through a connection to one Redis, which Sentinel may have found.
   *
   * @param connection the connection, with any codec
   */
  public LettucePublisher(StatefulRedisConnection<?, ?> connection) {
    this.connection = inBytes(connection);
  }

  /**
   * Publishes through a connection to a Redis Cluster.
   *
   * @param connection the connection, with any codec
   */
  public LettucePublisher(StatefulRedisClusterConnection<?, ?> connection) {
    this.connection = inBytes(connection);
  }

  /** Commands bring their own codec, so that a connection does not use its own for them. */
  @SuppressWarnings("unchecked")
  private static StatefulConnection<byte[], byte[]> inBytes(StatefulConnection<?, ?> connection) {
    Objects.requireNonNull(connection, "the connection is null");
    return (StatefulConnection<byte[], byte[]>) connection;
  }

  @Override
  public void send(List<Command> commands) {
    await(dispatch(commands), connection.getTimeout());
  }

  @Override
  public CompletableFuture<Void> sendAsync(List<Command> commands) {
    List<AsyncCommand<byte[], byte[], ?>> all;
    try {
      all = dispatch(commands);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
        .exceptionallyCompose(error -> CompletableFuture.failedFuture(withoutSecrets(error)));
  }

  private List<AsyncCommand<byte[], byte[], ?>> dispatch(List<Command> commands) {
    List<AsyncCommand<byte[], byte[], ?>> all = new ArrayList<>(commands.size());
    for (Command command : commands) {
      Keyword keyword = Keyword.valueOf(command.name());
      CommandArgs<byte[], byte[]> args = new CommandArgs<>(ByteArrayCodec.INSTANCE);
      byte[][] words = command.array();
      args.addKey(words[0]); // which a cluster routes by
      for (int i = 1; i < words.length; i++) {
        args.add(words[i]);
      }
      all.add(
          keyword == Keyword.XADD
              ? command(keyword, new ValueOutput<>(ByteArrayCodec.INSTANCE), args)
              : command(keyword, new IntegerOutput<>(ByteArrayCodec.INSTANCE), args));
    }
    try {
      if (all.size() == 1) {
        connection.dispatch(all.get(0));
      } else {
        connection.dispatch(all);
      }
    } catch (RuntimeException e) { // the connection was closed
      throw withoutSecrets(e);
    }
    return all;
  }

  private static <T> AsyncCommand<byte[], byte[], T> command(
      Keyword keyword, CommandOutput<byte[], byte[], T> output, CommandArgs<byte[], byte[]> args) {
    return new AsyncCommand<>(new io.lettuce.core.protocol.Command<>(keyword, output, args));
  }

  @Override
  public long subscribers(byte[] channel, boolean sharded) {
    if (!(connection instanceof StatefulRedisClusterConnection<byte[], byte[]> cluster)) {
      refuseNodeOfCluster();
      return subscribers(connection, channel, sharded);
    }
    long sum = 0;
    for (RedisClusterNode node : cluster.getPartitions()) {
      sum += subscribers(connectionTo(node, cluster), channel, sharded);
    }
    return sum;
  }

  private static StatefulConnection<byte[], byte[]> connectionTo(
      RedisClusterNode node, StatefulRedisClusterConnection<byte[], byte[]> cluster) {
    try {
      return cluster.getConnection(node.getNodeId());
    } catch (RuntimeException e) {
      throw withoutSecrets(e);
    }
  }

  /** One node of several would count a part of the servers. */
  private void refuseNodeOfCluster() {
    if (standsAlone) {
      return;
    }
    String info;
    try {
      CommandArgs<byte[], byte[]> section =
          new CommandArgs<>(ByteArrayCodec.INSTANCE).add("cluster");
      info =
          new String(
              ask(
                  connection,
                  command(Keyword.INFO, new ValueOutput<>(ByteArrayCodec.INSTANCE), section)),
              StandardCharsets.US_ASCII);
    } catch (RedisCommandExecutionException e) {
      return; // whoever may not use INFO cannot know
    }
    if (info.contains("cluster_enabled:1")) {
      throw new UnsupportedOperationException(
          "one node of a Redis Cluster knows its own subscribers only: use a"
              + " StatefulRedisClusterConnection");
    }
    standsAlone = true;
  }

  private static long subscribers(
      StatefulConnection<byte[], byte[]> node, byte[] channel, boolean sharded) {
    CommandArgs<byte[], byte[]> args =
        new CommandArgs<>(ByteArrayCodec.INSTANCE)
            .add(sharded ? "SHARDNUMSUB" : "NUMSUB")
            .add(channel);
    List<Object> answer =
        ask(node, command(Keyword.PUBSUB, new ArrayOutput<>(ByteArrayCodec.INSTANCE), args));
    return (Long) answer.get(1);
  }

  private static <T> T ask(
      StatefulConnection<byte[], byte[]> node, AsyncCommand<byte[], byte[], T> question) {
    try {
      node.dispatch(question);
    } catch (RuntimeException e) {
      throw withoutSecrets(e);
    }
    await(List.of(question), node.getTimeout());
    return question.join();
  }

  private static void await(List<AsyncCommand<byte[], byte[], ?>> commands, Duration timeout) {
    CompletableFuture<Void> all =
        CompletableFuture.allOf(commands.toArray(CompletableFuture<?>[]::new));
    try {
      if (timeout.isZero() || timeout.isNegative()) {
        all.get();
      } else {
        all.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      }
    } catch (ExecutionException e) {
      throw withoutSecrets(e);
    } catch (TimeoutException e) {
      commands.forEach(command -> command.cancel(false));
      throw new RedisCommandTimeoutException("Redis did not answer within " + timeout);
    } catch (InterruptedException e) {
      commands.forEach(command -> command.cancel(false));
      Thread.currentThread().interrupt();
      throw new RedisCommandInterruptedException(e);
    }
  }

  /** Returns the error of Lettuce, which must not repeat a password. */
  private static RuntimeException withoutSecrets(Throwable error) {
    Throwable cause = error;
    while ((cause instanceof ExecutionException || cause instanceof CompletionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (Refusal.repeats(cause)) {
      return new RedisCommandExecutionException(Refusal.withoutArguments(cause));
    }
    return cause instanceof RuntimeException known ? known : new RedisException(cause);
  }

  /**
   * The commands, by names of our own: for a PUBLISH of its own Lettuce may choose a replica, and
   * another one each time.
   */
  @SuppressWarnings("deprecation") // every enum has the name() that Lettuce has given up
  private enum Keyword implements ProtocolKeyword {
    PUBLISH,
    SPUBLISH,
    XADD,
    PUBSUB,
    INFO;

    @Override
    public byte[] getBytes() {
      return name().getBytes(StandardCharsets.US_ASCII);
    }
  }
}
