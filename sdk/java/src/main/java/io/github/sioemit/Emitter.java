package io.github.sioemit;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Sends to the clients of a Socket.IO cluster, through a Redis client, which stays the caller's.
 *
 * <pre>{@code
 * Emitter io = new Emitter(new JedisPublisher(RedisClient.create("localhost", 6379)));
 * io.to("user:7").emit("order:paid", Map.of("id", 12345));
 * }</pre>
 *
 * <p>It is safe for use by many threads. It has a connection of its own while calls wait for
 * replies, and no other; {@link #close} is for who does not want to wait until they have ended.
 */
public final class Emitter extends BroadcastOperator implements AutoCloseable {
  /**
   * Makes an emitter for servers with Socket.IO 4, the classic adapter and its defaults.
   *
   * @param publisher the Redis client
   */
  public Emitter(Publisher publisher) {
    this(new Builder(publisher).config());
  }

  private Emitter(Config config) {
    super(config, Target.EVERYONE, new Direct(config.publisher(), config.notes()), null);
  }

  /**
   * Makes an emitter for other servers.
   *
   * @param publisher the Redis client
   * @return what takes the options
   */
  public static Builder builder(Publisher publisher) {
    return new Builder(publisher);
  }

  /**
   * Sends what a block adds in one round trip, in its order, when the block ends. When the block
   * throws, nothing is sent. A pipeline is no transaction: when the connection breaks, a part may
   * have been sent.
   *
   * @param block what to send, by the calls of an emitter; behind its end they are refused
   */
  public void pipelined(Consumer<? super BroadcastOperator> block) {
    Batch batch = new Batch();
    List<Command> commands = collect(block, batch);
    try {
      if (!commands.isEmpty()) {
        send(commands, batch);
      }
    } catch (RuntimeException | Error e) {
      batch.sent().completeExceptionally(e);
      throw e;
    }
    batch.sent().complete(null);
  }

  private void send(List<Command> commands, Batch batch) {
    long since = System.nanoTime();
    try {
      config.publisher().send(commands);
    } finally {
      batch.note(config.notes(), since);
    }
  }

  /**
   * Does as {@link #pipelined} without waiting for Redis. The block has run when it returns, and
   * what the block throws is thrown.
   *
   * @param block what to send
   * @return what completes once Redis has taken all of it
   */
  public CompletableFuture<Void> pipelinedAsync(Consumer<? super BroadcastOperator> block) {
    Batch batch = new Batch();
    List<Command> commands = collect(block, batch);
    long since = System.nanoTime();
    CompletableFuture<Void> sent;
    try {
      sent =
          commands.isEmpty()
              ? CompletableFuture.completedFuture(null)
              : config.publisher().sendAsync(commands);
    } catch (RuntimeException | Error e) {
      batch.sent().completeExceptionally(e);
      throw e;
    }
    return sent.whenComplete(
        (done, error) -> {
          batch.note(config.notes(), since);
          if (error == null) {
            batch.sent().complete(null);
          } else {
            batch.sent().completeExceptionally(error);
          }
        });
  }

  private List<Command> collect(Consumer<? super BroadcastOperator> block, Batch batch) {
    try {
      block.accept(new BroadcastOperator(config, Target.EVERYONE, batch, null));
    } catch (RuntimeException | Error e) {
      batch.sent().completeExceptionally(e);
      throw e;
    } finally {
      batch.end();
    }
    return batch.end();
  }

  /**
   * Fails every call that waits for replies, and all later ones, with {@link Reason#CLOSED}. Calls
   * without replies still work, and the Redis client stays open.
   */
  @Override
  public void close() {
    config.replies().close();
  }

  /** Sends each command when it comes. */
  private record Direct(Publisher publisher, Notes notes) implements Sink {
    @Override
    public void send(Target target, Command command) {
      Sent sent = notes.of(target.namespace());
      long since = sent.since();
      try {
        publisher.send(List.of(command));
      } finally {
        notes.add(sent, since, target, command);
      }
    }

    @Override
    public CompletableFuture<Void> sendAsync(Target target, Command command) {
      Sent sent = notes.of(target.namespace());
      long since = sent.since();
      return publisher
          .sendAsync(List.of(command))
          .whenComplete((done, error) -> notes.add(sent, since, target, command));
    }
  }

  /** The options of an emitter, which say what the servers have set. */
  public static final class Builder {
    private static final Pattern SOCKET_ID = Pattern.compile("[0-9A-Za-z_-]{20}");
    private static final int LEGACY_BINARY_UP_TO = 2;

    private final Publisher publisher;
    private @Nullable String key;
    private int serverVersion = Config.CURRENT_VERSION;
    private @Nullable Codec codec;
    private @Nullable Adapter adapter;
    private int maxAttachments = 10;
    private Pattern socketIds = SOCKET_ID;
    private @Nullable Function<Object, ?> converter;

    private Builder(Publisher publisher) {
      this.publisher = Objects.requireNonNull(publisher, "the publisher is null");
    }

    /**
     * Sets the key of a classic adapter.
     *
     * @param key the servers' key; an empty one is the default, {@code socket.io}
     * @return this
     */
    public Builder key(String key) {
      this.key = Names.valid(key, "key");
      return this;
    }

    /**
     * Sets the version of Socket.IO that the servers have.
     *
     * @param serverVersion 1, 2, 3 or, by default, 4
     * @return this
     */
    public Builder serverVersion(int serverVersion) {
      if (serverVersion < 1 || serverVersion > Config.CURRENT_VERSION) {
        throw new SioemitException(
            Reason.SERVER_VERSION, "serverVersion " + serverVersion + ": it is 1, 2, 3 or 4");
      }
      this.serverVersion = serverVersion;
      return this;
    }

    /**
     * Sets what the servers of a classic adapter read.
     *
     * @param codec by default MessagePack
     * @return this
     */
    public Builder codec(Codec codec) {
      this.codec = Objects.requireNonNull(codec);
      return this;
    }

    /**
     * Sets the adapter, where it is not the classic one, to which key, codec and serverVersion
     * belong.
     *
     * @param adapter a {@link Sharded}, a {@link Streams} or a {@link Python}
     * @return this
     */
    public Builder adapter(Adapter adapter) {
      this.adapter = Objects.requireNonNull(adapter);
      return this;
    }

    /**
     * Sets how many binary values an event may hold. More than 10 disconnect clients with
     * socket.io-parser 4.2.6 or later, unless they were told otherwise.
     *
     * @param maxAttachments the most, by default 10
     * @return this
     */
    public Builder maxAttachments(int maxAttachments) {
      if (maxAttachments < 1) {
        throw new SioemitException(
            Reason.ADAPTER_OPTION, "maxAttachments " + maxAttachments + ": it must be 1 or more");
      }
      this.maxAttachments = maxAttachments;
      return this;
    }

    /**
     * Sets what the ids of sockets look like, where servers make their own: for {@code except} on
     * Socket.IO 1 to 3, and for servers in Python.
     *
     * @param socketIds a pattern for the whole of an id
     * @return this
     */
    public Builder socketIds(Pattern socketIds) {
      this.socketIds = Objects.requireNonNull(socketIds);
      return this;
    }

    /**
     * Sets what turns objects into what can be sent: maps, lists, text, numbers, bytes. It is
     * called for everything that is no such thing itself, records and enums included, and returns
     * what it does not take as it is. With Jackson:
     *
     * <pre>{@code
     * converter(value -> mapper.convertValue(value, Object.class))
     * }</pre>
     *
     * @param converter from an object to what stands for it
     * @return this
     */
    public Builder converter(Function<Object, ?> converter) {
      this.converter = Objects.requireNonNull(converter);
      return this;
    }

    /**
     * Makes the emitter. Nothing is sent.
     *
     * @return the emitter
     * @throws SioemitException for options that do not go together
     */
    public Emitter build() {
      return new Emitter(config());
    }

    private Config config() {
      if (adapter != null) {
        String name = adapter.getClass().getSimpleName();
        ofClassic("key", key != null, name);
        ofClassic("codec", codec != null, name);
        ofClassic("serverVersion", serverVersion != Config.CURRENT_VERSION, name);
      }
      Adapter chosen = adapter != null ? adapter : classic();
      Carrier carrier = chosen.carrier();
      boolean roomsApart =
          carrier == Carrier.SHARD_CHANNEL
              && publisher instanceof NodePublisher nodes
              && nodes.isCluster();
      return new Config(
          publisher,
          chosen,
          serverVersion,
          new Encoder.Limits(maxAttachments, converter),
          socketIds,
          new Replies(),
          new Notes(carrier, roomsApart));
    }

    private static void ofClassic(String option, boolean given, String adapter) {
      if (given) {
        throw new SioemitException(
            Reason.ADAPTER_OPTION, option + " belongs to the classic adapter, not to " + adapter);
      }
    }

    private Classic classic() {
      return new Classic(
          key == null || key.isEmpty() ? "socket.io" : key,
          codec == null ? Codec.MESSAGEPACK : codec,
          serverVersion <= LEGACY_BINARY_UP_TO);
    }
  }
}
