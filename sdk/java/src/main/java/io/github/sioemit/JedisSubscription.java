package io.github.sioemit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.BinaryJedisPubSub;
import redis.clients.jedis.BinaryJedisShardedPubSub;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisRedirectionException;

/** A connection for replies, and the thread that reads it. */
final class JedisSubscription implements Subscriber.Subscription {
  private final Dial dial;
  private final Consumer<Connection> moved;
  private final Subscriber.Receiver receiver;
  private final boolean sharded;
  private final Channels channels;
  private final byte[] first;

  // The rest is guarded by this.
  private final List<byte[]> others;
  private @Nullable Connection connection;
  private boolean subscribed;
  private boolean closed;

  JedisSubscription(
      Dial dial,
      Consumer<Connection> moved,
      List<byte[]> all,
      boolean sharded,
      Subscriber.Receiver receiver) {
    this.dial = dial;
    this.moved = moved;
    this.receiver = receiver;
    first = all.get(0);
    others = new ArrayList<>(all.subList(1, all.size()));
    this.sharded = sharded;
    channels = sharded ? new ShardChannels() : new PlainChannels();
  }

  /** Opens a connection, and to the node that Redis has named, if it has. */
  interface Dial {
    Connection open(@Nullable HostAndPort to);
  }

  JedisSubscription start() {
    Thread thread = new Thread(this::run, "sioemit-replies");
    thread.setDaemon(true);
    thread.start();
    return this;
  }

  private void run() {
    try {
      HostAndPort node = null;
      int moves = 0;
      do {
        try (Connection opened = dial.open(node)) {
          node = begin(opened) ? read(opened, moves++ < Replies.MAX_MOVES) : null;
        }
      } while (node != null);
      receiver.ended(new JedisConnectionException("Redis has ended the subscription"));
    } catch (RuntimeException | Error e) {
      receiver.ended(e instanceof RuntimeException known ? Refusal.clean(known) : e);
    }
  }

  /** Returns where Redis says that the channel is, as long as that may be followed. */
  private @Nullable HostAndPort read(Connection opened, boolean follows) {
    name(opened);
    try {
      channels.proceed(opened, first);
      return null;
    } catch (JedisRedirectionException e) {
      if (!follows) {
        throw e;
      }
      receiver.moved(e.getTargetNode().toString());
      moved.accept(opened);
      return e.getTargetNode();
    }
  }

  private void name(Connection opened) {
    if (!sharded) {
      return;
    }
    try {
      var unused =
          opened.executeCommand(
              new CommandArguments(Protocol.Command.CLIENT).add("SETNAME").add(Replies.NAME));
    } catch (JedisDataException e) {
      return; // the user may not
    }
  }

  private synchronized boolean begin(Connection opened) {
    connection = opened;
    return !closed;
  }

  /** Others come when the first channel has been confirmed: Jedis can write from then on. */
  @Override
  public synchronized void subscribe(List<byte[]> more) {
    if (!subscribed) {
      others.addAll(more);
    } else if (!closed) {
      channels.add(more.toArray(byte[][]::new));
    }
  }

  private void confirmed(byte[] channel) {
    synchronized (this) {
      if (!subscribed && connection != null) {
        connection.setSoTimeout(0); // of which Jedis has one for connections such as this
        subscribed = true;
        if (!others.isEmpty()) {
          channels.add(others.toArray(byte[][]::new));
        }
      }
    }
    receiver.confirmed(channel);
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (connection != null) {
      connection.disconnect();
    }
  }

  /** Both kinds of channels, for which Jedis has classes without a common one. */
  private interface Channels {
    void proceed(Connection connection, byte[] channel);

    void add(byte[]... more);
  }

  private final class PlainChannels extends BinaryJedisPubSub implements Channels {
    @Override
    public void proceed(Connection connection, byte[] channel) {
      proceed(connection, new byte[][] {channel});
    }

    @Override
    public void add(byte[]... more) {
      subscribe(more);
    }

    @Override
    public void onSubscribe(byte[] channel, int count) {
      confirmed(channel);
    }

    @Override
    public void onUnsubscribe(byte[] channel, int count) {
      throw new JedisConnectionException("Redis has ended a subscription");
    }

    @Override
    public void onMessage(byte[] channel, byte[] message) {
      receiver.received(message);
    }
  }

  private final class ShardChannels extends BinaryJedisShardedPubSub implements Channels {
    @Override
    public void proceed(Connection connection, byte[] channel) {
      proceed(connection, new byte[][] {channel});
    }

    @Override
    public void add(byte[]... more) {
      ssubscribe(more);
    }

    @Override
    public void onSSubscribe(byte[] channel, int count) {
      confirmed(channel);
    }

    @Override
    public void onSUnsubscribe(byte[] channel, int count) {
      throw new JedisConnectionException("Redis has ended a subscription");
    }

    @Override
    public void onSMessage(byte[] channel, byte[] message) {
      receiver.received(message);
    }
  }
}
