package io.github.sioemit;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The adapter made by {@code createShardedAdapter} of @socket.io/redis-adapter 8.2 and later, which
 * needs Redis 7. It never changes: its methods return new ones.
 */
public final class Sharded extends Adapter {
  private static final int SOCKET_ID_LENGTH = 20;

  private final String channelPrefix;
  private final SubscriptionMode subscriptionMode;

  /** The adapter with upstream's defaults. */
  public Sharded() {
    this("socket.io", SubscriptionMode.DYNAMIC);
  }

  private Sharded(String channelPrefix, SubscriptionMode subscriptionMode) {
    this.channelPrefix = channelPrefix;
    this.subscriptionMode = subscriptionMode;
  }

  /**
   * Sets upstream's option of that name.
   *
   * @param channelPrefix the prefix of the servers; an empty one is the default, {@code socket.io}
   * @return the adapter with it
   */
  public Sharded channelPrefix(String channelPrefix) {
    String valid = Names.valid(channelPrefix, "channelPrefix");
    return new Sharded(valid.isEmpty() ? "socket.io" : valid, subscriptionMode);
  }

  /**
   * Sets upstream's option of that name. With another one than the servers have, events to one room
   * reach nobody.
   *
   * @param subscriptionMode the mode of the servers
   * @return the adapter with it
   */
  public Sharded subscriptionMode(SubscriptionMode subscriptionMode) {
    return new Sharded(channelPrefix, Objects.requireNonNull(subscriptionMode));
  }

  @Override
  Command broadcast(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    ClusterMessage message = ClusterMessage.broadcast(target, event, args, limits);
    String channel = listeners(target.namespace());
    if (target.rooms().size() == 1
        && target.rooms().get(0) instanceof String room
        && hasChannel(room)) {
      channel += room + "#";
    }
    return Command.publish(true, channel, message.of(target.namespace(), message.binary()));
  }

  private boolean hasChannel(String room) {
    return switch (subscriptionMode) {
      case STATIC -> false;
      case DYNAMIC_PRIVATE -> true;
      case DYNAMIC -> room.length() != SOCKET_ID_LENGTH;
    };
  }

  @Override
  Command request(Target target, Request request) {
    return send(target, ClusterMessage.request(target, request));
  }

  @Override
  Command serverSide(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    return send(target, ClusterMessage.serverSide(event, args, limits));
  }

  private Command send(Target target, ClusterMessage message) {
    return Command.publish(
        true, listeners(target.namespace()), message.of(target.namespace(), message.binary()));
  }

  @Override
  Command question(Target target, Ask ask, String id, long timeoutMillis) {
    return send(target, ClusterMessage.question(target, ask, id, timeoutMillis));
  }

  @Override
  List<String> replyChannels(String namespace) {
    return List.of(listeners(namespace) + UID + "#");
  }

  @Override
  Carrier carrier() {
    return Carrier.SHARD_CHANNEL;
  }

  @Override
  String listeners(String namespace) {
    return channelPrefix + "#" + namespace + "#";
  }

  @Override
  boolean shardedListeners() {
    return true;
  }
}
