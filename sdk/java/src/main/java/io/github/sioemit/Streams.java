package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The adapter made by {@code createAdapter} of @socket.io/redis-streams-adapter. Servers that were
 * cut off from Redis for a moment get what they missed. It never changes: its methods return new
 * ones.
 */
public final class Streams extends Adapter {
  private static final byte[] MAXLEN = "MAXLEN".getBytes(UTF_8);
  private static final byte[] ABOUT = "~".getBytes(UTF_8);
  private static final byte[] NEXT_ID = "*".getBytes(UTF_8);

  private final String streamName;
  private final int streamCount;
  private final long maxLen;
  private final String channelPrefix;
  private final boolean useShardedPubSub;

  /** The adapter with upstream's defaults. */
  public Streams() {
    this("socket.io", 1, 10_000, "socket.io", false);
  }

  private Streams(
      String streamName,
      int streamCount,
      long maxLen,
      String channelPrefix,
      boolean useShardedPubSub) {
    this.streamName = streamName;
    this.streamCount = streamCount;
    this.maxLen = maxLen;
    this.channelPrefix = channelPrefix;
    this.useShardedPubSub = useShardedPubSub;
  }

  /**
   * Sets upstream's option of that name.
   *
   * @param streamName the stream of the servers; an empty one is the default, {@code socket.io}
   * @return the adapter with it
   */
  public Streams streamName(String streamName) {
    String valid = Names.valid(streamName, "streamName");
    String name = valid.isEmpty() ? "socket.io" : valid;
    return new Streams(name, streamCount, maxLen, channelPrefix, useShardedPubSub);
  }

  /**
   * Sets upstream's option of that name.
   *
   * @param streamCount how many streams the servers have, by default 1
   * @return the adapter with it
   * @throws SioemitException when it is less than 1
   */
  public Streams streamCount(int streamCount) {
    atLeastOne("streamCount", streamCount);
    return new Streams(streamName, streamCount, maxLen, channelPrefix, useShardedPubSub);
  }

  /**
   * Sets upstream's option of that name.
   *
   * @param maxLen to about how many entries a stream is cut, by default 10,000
   * @return the adapter with it
   * @throws SioemitException when it is less than 1
   */
  public Streams maxLen(long maxLen) {
    atLeastOne("maxLen", maxLen);
    return new Streams(streamName, streamCount, maxLen, channelPrefix, useShardedPubSub);
  }

  /**
   * Sets upstream's option of that name.
   *
   * @param channelPrefix the prefix of the servers; an empty one is the default, {@code socket.io}
   * @return the adapter with it
   */
  public Streams channelPrefix(String channelPrefix) {
    String valid = Names.valid(channelPrefix, "channelPrefix");
    String prefix = valid.isEmpty() ? "socket.io" : valid;
    return new Streams(streamName, streamCount, maxLen, prefix, useShardedPubSub);
  }

  /**
   * Sets upstream's option of that name.
   *
   * @param useShardedPubSub whether servers use SSUBSCRIBE, by default false
   * @return the adapter with it
   */
  public Streams useShardedPubSub(boolean useShardedPubSub) {
    return new Streams(streamName, streamCount, maxLen, channelPrefix, useShardedPubSub);
  }

  private static void atLeastOne(String option, long value) {
    if (value < 1) {
      throw new SioemitException(
          Reason.ADAPTER_OPTION, option + " " + value + ": it must be 1 or more");
    }
  }

  @Override
  Command broadcast(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    return entry(target, ClusterMessage.broadcast(target, event, args, limits));
  }

  /** A request goes by the stream, too: a server that is away for a moment must not miss it. */
  @Override
  Command request(Target target, Request request) {
    return entry(target, ClusterMessage.request(target, request));
  }

  @Override
  Command serverSide(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    byte[] message = ClusterMessage.serverSide(event, args, limits).of(target.namespace(), true);
    return Command.publish(useShardedPubSub, listeners(target.namespace()), message);
  }

  @Override
  Command question(Target target, Ask ask, String id, long timeoutMillis) {
    ClusterMessage message = ClusterMessage.question(target, ask, id, timeoutMillis);
    if (ask.kind() == Ask.Kind.CONFIRM) {
      return entry(target, message);
    }
    return Command.publish(
        useShardedPubSub, listeners(target.namespace()), message.of(target.namespace(), true));
  }

  @Override
  List<String> replyChannels(String namespace) {
    return List.of(listeners(namespace) + UID + "#");
  }

  private Command entry(Target target, ClusterMessage message) {
    return new Command(
        "XADD",
        stream(target.namespace()).getBytes(UTF_8),
        MAXLEN,
        ABOUT,
        Long.toString(maxLen).getBytes(UTF_8),
        NEXT_ID,
        "uid".getBytes(UTF_8),
        UID.getBytes(UTF_8),
        "nsp".getBytes(UTF_8),
        target.namespace().getBytes(UTF_8),
        "type".getBytes(UTF_8),
        Integer.toString(message.type()).getBytes(UTF_8),
        "data".getBytes(UTF_8),
        message.binary()
            ? Base64.getEncoder().encode(message.data().toByteArray())
            : JsonText.of(message.data()));
  }

  /** The name of the stream of a namespace. */
  String stream(String namespace) {
    if (streamCount == 1) {
      return streamName;
    }
    // Upstream borrowed Java's hash code. Its remainder keeps the sign, as Java's does.
    int number = namespace.hashCode() % streamCount;
    if (number < 0) {
      throw new SioemitException(
          Reason.UNREAD_STREAM,
          "no server reads the stream of namespace \""
              + namespace
              + "\": it hashes to "
              + number
              + " of "
              + streamCount);
    }
    return streamName + "-" + number;
  }

  long maxLen() {
    return maxLen;
  }

  @Override
  Carrier carrier() {
    return Carrier.STREAM;
  }

  @Override
  String listeners(String namespace) {
    return channelPrefix + "#" + namespace + "#";
  }

  @Override
  boolean shardedListeners() {
    return useShardedPubSub;
  }
}
