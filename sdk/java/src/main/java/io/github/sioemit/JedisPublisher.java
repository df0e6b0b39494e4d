package io.github.sioemit;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionPool;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.MultiNodePipelineBase;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.commands.ProtocolCommand;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisRedirectionException;
import redis.clients.jedis.util.Pool;

/**
 * Publishes through Jedis 5.2 or later: {@code RedisClient}, {@code RedisClusterClient}, {@code
 * RedisSentinelClient}, {@code JedisPooled}, {@code JedisCluster}, {@code JedisSentineled} or a
 * pool of {@code Jedis}. The client stays the caller's.
 */
public final class JedisPublisher extends NodePublisher {
  private final Client client;
  private final @Nullable Executor executor;
  private final InOrder inOrder;
  private volatile boolean standsAlone;

  /**
   * Publishes through a client that can be shared by threads, as {@code RedisClient} can.
   *
   * @param client the client
   */
  public JedisPublisher(UnifiedJedis client) {
    this(new Unified(client), null);
  }

  /**
   * Publishes through such a client, and asynchronously by threads of the caller's. Jedis waits for
   * Redis, so that {@code emitAsync} has another thread do it: without an executor, one of {@link
   * CompletableFuture}'s own.
   *
   * @param client the client
   * @param executor what runs asynchronous calls, one at a time
   */
  public JedisPublisher(UnifiedJedis client, Executor executor) {
    this(new Unified(client), executor);
  }

  /**
   * Publishes through the connections of a pool, as {@code JedisPool} and {@code JedisSentinelPool}
   * are.
   *
   * @param pool the pool
   */
  public JedisPublisher(Pool<Jedis> pool) {
    this(new Pooled(pool), null);
  }

  /**
   * Publishes through the connections of a pool, and asynchronously by threads of the caller's.
   *
   * @param pool the pool
   * @param executor what runs asynchronous calls, one at a time
   */
  public JedisPublisher(Pool<Jedis> pool, Executor executor) {
    this(new Pooled(pool), executor);
  }

  private JedisPublisher(Client client, @Nullable Executor executor) {
    this.client = client;
    this.executor = executor;
    inOrder = new InOrder(executor);
  }

  @Override
  public void send(List<Command> commands) {
    withoutSecrets(
        () -> {
          if (commands.size() == 1) {
            Command command = commands.get(0);
            command.answered(client.send(command));
          } else {
            client.sendAll(commands);
          }
          return null;
        });
  }

  @Override
  public CompletableFuture<Void> sendAsync(List<Command> commands) {
    return inOrder.run(() -> send(commands));
  }

  @Override
  public long subscribers(byte[] channel, boolean sharded) {
    CommandArguments question =
        new CommandArguments(Protocol.Command.PUBSUB)
            .add(sharded ? "SHARDNUMSUB" : "NUMSUB")
            .add(channel);
    return withoutSecrets(
        () -> {
          Collection<ConnectionPool> nodes = client.nodes();
          if (nodes.isEmpty()) {
            refuseNodeOfCluster();
            return count(client.ask(question));
          }
          long sum = 0;
          for (ConnectionPool node : nodes) {
            try (Connection connection = node.getResource()) {
              sum += count(connection.executeCommand(question));
            }
          }
          return sum;
        });
  }

  @Override
  List<Node> nodes() {
    return withoutSecrets(
        () -> {
          client.renew(null);
          List<Node> nodes = new ArrayList<>();
          for (ConnectionPool node : client.nodes()) {
            nodes.add(new ClusterNode(node));
          }
          if (nodes.isEmpty()) {
            refuseNodeOfCluster();
            nodes.add(new OnlyNode());
          }
          return nodes;
        });
  }

  @Override
  Object look(Command command) {
    return withoutSecrets(() -> client.send(command));
  }

  private static CommandArguments arguments(String... words) {
    CommandArguments arguments = new CommandArguments(Protocol.Command.valueOf(words[0]));
    for (int i = 1; i < words.length; i++) {
      arguments.add(words[i]);
    }
    return arguments;
  }

  private final class OnlyNode implements Node {
    @Override
    public Object look(String... words) {
      return withoutSecrets(() -> client.ask(arguments(words)));
    }

    @Override
    public void ask(Command question) {
      JedisPublisher.this.ask(question);
    }
  }

  private record ClusterNode(ConnectionPool pool) implements Node {
    @Override
    public Object look(String... words) {
      return withoutSecrets(
          () -> {
            try (Connection connection = pool.getResource()) {
              return connection.executeCommand(arguments(words));
            }
          });
    }

    @Override
    public void ask(Command question) {
      withoutSecrets(
          () -> {
            try (Connection connection = pool.getResource()) {
              return askOnce(connection, words(question, new CommandArguments(name(question)), 0));
            }
          });
    }
  }

  /**
   * Opens a connection with the settings of the client, which counts for no pool, and a thread that
   * reads it.
   */
  @Override
  public Subscription subscribe(List<byte[]> channels, boolean sharded, Receiver receiver) {
    byte[] first = channels.get(0);
    return new JedisSubscription(
            named -> open(first, named), client::renew, channels, sharded, receiver)
        .start();
  }

  private Connection open(byte[] channel, @Nullable HostAndPort named) {
    try {
      return JedisPools.open(client.pool(channel, named));
    } catch (JedisException e) {
      throw named == null ? e : new JedisConnectionException(AskException.unreachable(named, e), e);
    }
  }

  /** Asks past what Jedis repeats: by one connection of the pool. */
  @Override
  public void ask(Command question) {
    CommandArguments arguments = words(question, new CommandArguments(name(question)), 0);
    withoutSecrets(
        () -> {
          for (int moves = 0; ; moves++) {
            try {
              return client.once(question.key(), arguments);
            } catch (JedisRedirectionException e) {
              if (moves == Replies.MAX_MOVES) {
                throw e;
              }
            }
          }
        });
  }

  private static Object askOnce(Connection connection, CommandArguments arguments) {
    try {
      return connection.executeCommand(arguments);
    } catch (JedisDataException e) {
      throw e; // Redis has refused it
    } catch (JedisException e) {
      throw new MaybeAskedException(Refusal.clean(e));
    }
  }

  @Override
  public boolean isCluster() {
    return client.isCluster();
  }

  @Override
  public Executor executor() {
    return executor == null ? super.executor() : executor;
  }

  /** One node of several would count a part of the servers. */
  private void refuseNodeOfCluster() {
    if (standsAlone) {
      return;
    }
    Object info;
    try {
      info = client.ask(Versions.arguments(Protocol.Command.INFO).add("cluster"));
    } catch (JedisDataException e) {
      return; // whoever may not use INFO cannot know
    }
    if (new String((byte[]) info, StandardCharsets.US_ASCII).contains("cluster_enabled:1")) {
      throw new UnsupportedOperationException(
          "one node of a Redis Cluster knows its own subscribers only: use RedisClusterClient");
    }
    standsAlone = true;
  }

  /** Lets no error repeat a password. */
  private static <T extends @Nullable Object> T withoutSecrets(Supplier<T> work) {
    try {
      return work.get();
    } catch (JedisException e) {
      if (!Refusal.repeats(e)) {
        throw e;
      }
      JedisException clean = new JedisException(Refusal.withoutArguments(e));
      clean.setStackTrace(e.getStackTrace());
      throw clean;
    }
  }

  /** Both kinds of clients that Jedis has. */
  private interface Client {
    Object send(Command command);

    void sendAll(List<Command> commands);

    Object ask(CommandArguments question);

    /** Returns the nodes of a cluster, or none where the client knows a single Redis. */
    Collection<ConnectionPool> nodes();

    /**
     * Returns the pool of the node that has the slot of a key, or the only one.
     *
     * @param named the node that Redis has named for it, if it has
     */
    Pool<?> pool(byte[] key, @Nullable HostAndPort named);

    /** Asks by one connection of it. What Redis says of a slot that has moved is learned. */
    Object once(byte[] key, CommandArguments question);

    default boolean isCluster() {
      return false;
    }

    /** Learns which node has which slot, from one of them if it is given. */
    default void renew(@Nullable Connection from) {}

    /** Sends a command to where it belongs that a pipeline has sent to the wrong node. */
    default Object again(Command command, JedisRedirectionException refusal) {
      throw refusal;
    }
  }

  private record Pooled(Pool<Jedis> pool) implements Client {
    Pooled {
      Objects.requireNonNull(pool, "the pool is null");
    }

    @Override
    public Object send(Command command) {
      try (Jedis jedis = pool.getResource()) {
        return jedis.sendCommand(name(command), command.array());
      }
    }

    @Override
    public void sendAll(List<Command> commands) {
      try (Jedis jedis = pool.getResource();
          AbstractPipeline pipeline = jedis.pipelined()) {
        takeAll(fill(pipeline, commands), commands, this);
      }
    }

    @Override
    public Object ask(CommandArguments question) {
      try (Jedis jedis = pool.getResource()) {
        return jedis.getConnection().executeCommand(question);
      }
    }

    @Override
    public Collection<ConnectionPool> nodes() {
      return List.of();
    }

    @Override
    public Pool<?> pool(byte[] key, @Nullable HostAndPort named) {
      return pool;
    }

    @Override
    public Object once(byte[] key, CommandArguments question) {
      try (Jedis jedis = pool.getResource()) {
        return askOnce(jedis.getConnection(), question);
      }
    }
  }

  private record Unified(UnifiedJedis jedis) implements Client {
    Unified {
      Objects.requireNonNull(jedis, "the client is null");
    }

    @Override
    public Object send(Command command) {
      return jedis.executeCommand(routed(command));
    }

    @Override
    public void sendAll(List<Command> commands) {
      try (AbstractPipeline pipeline = Versions.pipelined(jedis)) {
        takeAll(fill(pipeline, commands), commands, this);
      }
    }

    @Override
    public Object ask(CommandArguments question) {
      return jedis.executeCommand(question);
    }

    @Override
    public Collection<ConnectionPool> nodes() {
      return Versions.nodes(jedis);
    }

    @Override
    public Pool<?> pool(byte[] key, @Nullable HostAndPort named) {
      return JedisPools.of(jedis, key, named);
    }

    @Override
    public Object once(byte[] key, CommandArguments question) {
      try (Connection connection = JedisPools.of(jedis, key, null).getResource()) {
        try {
          return askOnce(connection, question);
        } catch (JedisRedirectionException e) {
          renew(connection);
          throw e;
        }
      }
    }

    @Override
    public boolean isCluster() {
      return JedisPools.isCluster(jedis);
    }

    @Override
    public void renew(@Nullable Connection from) {
      JedisPools.renew(jedis, from);
    }

    @Override
    public Object again(Command command, JedisRedirectionException refusal) {
      return send(command);
    }
  }

  /** Reads what Redis says to all commands, and throws the first error. */
  private static void takeAll(
      List<Response<Object>> responses, List<Command> commands, Client client) {
    JedisException first = null;
    for (int i = 0; i < responses.size(); i++) {
      Command command = commands.get(i);
      try {
        command.answered(taken(responses.get(i), command, client));
      } catch (JedisException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /** Reads what Redis says to a command. A node that no longer has its slot has not taken it. */
  private static Object taken(Response<Object> response, Command command, Client client) {
    try {
      return response.get();
    } catch (JedisRedirectionException e) {
      return client.again(command, e);
    } catch (IllegalStateException e) {
      throw new JedisConnectionException(
          "a node of the cluster did not answer; it may have taken a part of the pipeline", e);
    }
  }

  private static List<Response<Object>> fill(AbstractPipeline pipeline, List<Command> commands) {
    boolean cluster = pipeline instanceof MultiNodePipelineBase;
    List<Response<Object>> responses = new ArrayList<>(commands.size());
    for (Command command : commands) {
      responses.add(
          pipeline.sendCommand(
              cluster ? routed(command) : words(command, new CommandArguments(name(command)), 0)));
    }
    pipeline.sync();
    return responses;
  }

  /** Returns a command whose slot a cluster can tell. */
  private static CommandArguments routed(Command command) {
    return words(command, Versions.arguments(name(command)).key(command.key()), 1);
  }

  private static CommandArguments words(Command command, CommandArguments arguments, int from) {
    byte[][] words = command.array();
    for (int i = from; i < words.length; i++) {
      arguments.add(words[i]);
    }
    return arguments;
  }

  private static ProtocolCommand name(Command command) {
    return Protocol.Command.valueOf(command.name());
  }

  /** Reads the answer to PUBSUB NUMSUB of one channel: its name, and how many. */
  private static long count(Object reply) {
    return (Long) ((List<?>) reply).get(1);
  }

  /** What has another name, or another type, from version to version of Jedis. */
  private static final class Versions {
    private static final MethodHandle ARGUMENTS = findArguments();
    private static final MethodHandle PIPELINED = findPipelined();

    private Versions() {}

    /** Up to Jedis 7, only these arguments tell a cluster the slot of their key. */
    private static MethodHandle findArguments() {
      Class<?> type;
      try {
        type = Class.forName("redis.clients.jedis.ClusterCommandArguments");
      } catch (ClassNotFoundException e) {
        type = CommandArguments.class;
      }
      MethodType constructor = MethodType.methodType(void.class, ProtocolCommand.class);
      try {
        return MethodHandles.publicLookup()
            .findConstructor(type, constructor)
            .asType(MethodType.methodType(CommandArguments.class, ProtocolCommand.class));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("an unknown version of Jedis", e);
      }
    }

    /** Up to Jedis 6, it returns another type. */
    private static MethodHandle findPipelined() {
      try {
        return MethodHandles.publicLookup()
            .unreflect(UnifiedJedis.class.getMethod("pipelined"))
            .asType(MethodType.methodType(AbstractPipeline.class, UnifiedJedis.class));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("an unknown version of Jedis", e);
      }
    }

    static CommandArguments arguments(ProtocolCommand name) {
      try {
        return (CommandArguments) ARGUMENTS.invokeExact(name);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    static AbstractPipeline pipelined(UnifiedJedis jedis) {
      try {
        return (AbstractPipeline) PIPELINED.invokeExact(jedis);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    /**
     * Returns the nodes of a cluster, replicas too, or none for a single Redis. JedisCluster and,
     * since Jedis 7, RedisClusterClient tell them by a method of the same name.
     */
    static Collection<ConnectionPool> nodes(UnifiedJedis jedis) {
      try {
        Object nodes = jedis.getClass().getMethod("getClusterNodes").invoke(jedis);
        List<ConnectionPool> pools = new ArrayList<>();
        for (Object pool : ((Map<?, ?>) nodes).values()) {
          pools.add((ConnectionPool) pool);
        }
        return pools;
      } catch (NoSuchMethodException e) {
        return List.of();
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("an unknown version of Jedis", e);
      }
    }
  }
}
