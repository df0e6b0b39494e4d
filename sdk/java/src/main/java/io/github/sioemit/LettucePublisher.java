package io.github.sioemit;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandInterruptedException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.cluster.pubsub.StatefulRedisClusterPubSubConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.output.IntegerOutput;
import io.lettuce.core.output.ValueOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.ByteBuffer;
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
import org.jspecify.annotations.Nullable;

/**
 * Publishes through a connection of Lettuce 6.5 or later: to one Redis, by Sentinel, or to a Redis
 * Cluster. The connection stays the caller's, and may have any codec: messages go past it.
 *
 * <p>Calls with replies need a connection of their own, and so the client, which opens it.
 */
public final class LettucePublisher extends NodePublisher {
  private final StatefulConnection<byte[], byte[]> connection;
  private final LettuceSubscription.@Nullable Dial dial;

  /** Has the client of a cluster learn its nodes. */
  private final Runnable refresh;

  private volatile boolean standsAlone;

  /**
   * Publishes through a connection to one Redis, which Sentinel may have found. It can send; calls
   * with replies need the client, too.
   *
   * @param connection the connection, with any codec
   */
  public LettucePublisher(StatefulRedisConnection<?, ?> connection) {
    this.connection = inBytes(connection);
    dial = null;
    refresh = () -> {};
  }

  /**
   * Publishes through a connection to one Redis, and receives replies through another one of the
   * client's, which is open while calls wait for them.
   *
   * @param connection the connection, with any codec
   * @param client the client, which was made for that Redis
   */
  public LettucePublisher(StatefulRedisConnection<?, ?> connection, RedisClient client) {
    this.connection = inBytes(connection);
    Objects.requireNonNull(client, "the client is null");
    dial = (channel, sharded, to) -> only(client.connectPubSub(ByteArrayCodec.INSTANCE));
    refresh = () -> {};
  }

  /**
   * Does so with a client that was made without the address of that Redis.
   *
   * @param connection the connection, with any codec
   * @param client the client
   * @param uri where it connects to, as it did for the connection
   */
  public LettucePublisher(
      StatefulRedisConnection<?, ?> connection, RedisClient client, RedisURI uri) {
    this.connection = inBytes(connection);
    Objects.requireNonNull(client, "the client is null");
    Objects.requireNonNull(uri, "the URI is null");
    dial = (channel, sharded, to) -> only(client.connectPubSub(ByteArrayCodec.INSTANCE, uri));
    refresh = () -> {};
  }

  /**
   * Publishes through a connection to a Redis Cluster. It can send; calls with replies need the
   * client, too.
   *
   * @param connection the connection, with any codec
   */
  public LettucePublisher(StatefulRedisClusterConnection<?, ?> connection) {
    this.connection = inBytes(connection);
    dial = null;
    refresh = () -> {};
  }

  /**
   * Publishes through a connection to a Redis Cluster, and receives replies through another one of
   * the client's, which is open while calls wait for them.
   *
   * @param connection the connection, with any codec
   * @param client the client
   */
  public LettucePublisher(
      StatefulRedisClusterConnection<?, ?> connection, RedisClusterClient client) {
    this.connection = inBytes(connection);
    Objects.requireNonNull(client, "the client is null");
    dial = (channel, sharded, to) -> open(client, channel, sharded, to);
    refresh = client::refreshPartitions;
  }

  private static LettuceSubscription.Opened only(
      StatefulRedisPubSubConnection<byte[], byte[]> connection) {
    return new LettuceSubscription.Opened(connection, connection, null);
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
              ? command(keyword, new EntryOutput(command), args)
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

  @Override
  List<Node> nodes() {
    if (!(connection instanceof StatefulRedisClusterConnection<byte[], byte[]> cluster)) {
      refuseNodeOfCluster();
      return List.of(new LettuceNode(connection));
    }
    try {
      refresh.run();
    } catch (RuntimeException e) {
      throw withoutSecrets(e);
    }
    List<Node> nodes = new ArrayList<>();
    for (RedisClusterNode node : cluster.getPartitions()) {
      nodes.add(new LettuceNode(connectionTo(node, cluster)));
    }
    return nodes;
  }

  @Override
  Object look(Command command) {
    return look(connection, Keyword.valueOf(command.name()), LettuceQuestion.arguments(command));
  }

  private static Object look(
      StatefulConnection<byte[], byte[]> node,
      Keyword keyword,
      CommandArgs<byte[], byte[]> arguments) {
    return ask(node, command(keyword, new AnswerOutput(), arguments));
  }

  private record LettuceNode(StatefulConnection<byte[], byte[]> connection) implements Node {
    @Override
    public Object look(String... words) {
      CommandArgs<byte[], byte[]> arguments = new CommandArgs<>(ByteArrayCodec.INSTANCE);
      for (int i = 1; i < words.length; i++) {
        arguments.add(words[i]);
      }
      return LettucePublisher.look(connection, Keyword.valueOf(words[0]), arguments);
    }

    @Override
    public void ask(Command question) {
      LettucePublisher.ask(connection, question);
    }
  }

  /** Opens a connection of the client's. */
  @Override
  public Subscription subscribe(List<byte[]> channels, boolean sharded, Receiver receiver) {
    if (dial == null) {
      throw new UnsupportedOperationException(
          "calls with replies need a connection of their own, and a connection of Lettuce cannot"
              + " open one: give LettucePublisher the client, too");
    }
    return new LettuceSubscription(dial, channels, sharded, receiver).start();
  }

  /** Shard channels live on the node of their slot, to which the client has another connection. */
  private static LettuceSubscription.Opened open(
      RedisClusterClient client, byte[] channel, boolean sharded, @Nullable Moved to) {
    StatefulRedisClusterPubSubConnection<byte[], byte[]> any =
        client.connectPubSub(ByteArrayCodec.INSTANCE);
    if (!sharded) {
      return only(any);
    }
    try {
      return to == null ? nodeOf(channel, any) : named(to, any, client);
    } catch (RuntimeException e) {
      any.close();
      throw e;
    }
  }

  private static LettuceSubscription.Opened nodeOf(
      byte[] channel, StatefulRedisClusterPubSubConnection<byte[], byte[]> any) {
    RedisClusterNode node = any.getPartitions().getPartitionBySlot(SlotHash.getSlot(channel));
    if (node == null) {
      throw new RedisException("no node of the cluster is known to have the slot of the channel");
    }
    return new LettuceSubscription.Opened(
        any.getConnection(node.getNodeId()), any, node.getUri().getHost());
  }

  /** Lettuce connects only to nodes that it knows. */
  private static LettuceSubscription.Opened named(
      Moved to,
      StatefulRedisClusterPubSubConnection<byte[], byte[]> any,
      RedisClusterClient client) {
    try {
      if (any.getPartitions().getPartition(to.host(), to.port()) == null) {
        client.refreshPartitions();
      }
      return new LettuceSubscription.Opened(
          any.getConnection(to.host(), to.port()), any, to.host());
    } catch (RuntimeException e) {
      throw new RedisException(AskException.unreachable(to, e), e);
    }
  }

  @Override
  public void ask(Command question) {
    ask(connection, question);
  }

  private static void ask(StatefulConnection<byte[], byte[]> connection, Command question) {
    LettuceQuestion asked = new LettuceQuestion(Keyword.valueOf(question.name()), question);
    AsyncCommand<byte[], byte[], Long> command = new AsyncCommand<>(asked);
    try {
      connection.dispatch(command);
      await(List.of(command), Duration.ZERO);
    } catch (RuntimeException e) {
      RuntimeException error = withoutSecrets(e);
      if (asked.giveUp()) {
        throw new MaybeAskedException(error);
      }
      throw error;
    }
    if (asked.isRepeated()) {
      throw new MaybeAskedException(new RedisException("Lettuce has reconnected"));
    }
  }

  @Override
  public boolean isCluster() {
    return connection instanceof StatefulRedisClusterConnection;
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

  /** The id of an entry, which its command is told before it is known to have been sent. */
  private static final class EntryOutput extends ValueOutput<byte[], byte[]> {
    private final Command entry;

    EntryOutput(Command entry) {
      super(ByteArrayCodec.INSTANCE);
      this.entry = entry;
    }

    @Override
    public void set(ByteBuffer id) {
      super.set(id);
      entry.answered(get());
    }
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
    INFO,
    CLIENT,
    CLUSTER,
    TIME,
    XRANGE,
    XLEN;

    @Override
    public byte[] getBytes() {
      return name().getBytes(StandardCharsets.US_ASCII);
    }
  }
}
