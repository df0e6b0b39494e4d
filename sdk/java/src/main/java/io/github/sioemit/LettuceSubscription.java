package io.github.sioemit;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.RedisPubSubListener;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.ByteBuffer;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** A connection for replies, which the threads of Lettuce read. */
final class LettuceSubscription extends RedisPubSubAdapter<byte[], byte[]>
    implements Subscriber.Subscription, RedisConnectionStateListener {
  private final Dial dial;
  private final byte[] first;
  private final boolean sharded;
  private final Subscriber.Receiver receiver;

  // The rest is guarded by this.
  private final Set<ByteBuffer> channels = new LinkedHashSet<>();
  private @Nullable Opened opened;
  private int moves;
  private boolean closed;

  LettuceSubscription(
      Dial dial, List<byte[]> channels, boolean sharded, Subscriber.Receiver receiver) {
    this.dial = dial;
    first = channels.get(0);
    this.sharded = sharded;
    this.receiver = receiver;
    channels.forEach(channel -> this.channels.add(ByteBuffer.wrap(channel)));
  }

  /** Opens a connection for a channel, and to the node that Redis has named, if it has. */
  interface Dial {
    Opened open(byte[] channel, boolean sharded, @Nullable Moved to);
  }

  /**
   * A connection.
   *
   * @param whole that which it belongs to, if it is not itself
   * @param host the host of its node, where Redis may name another one
   */
  record Opened(
      StatefulRedisPubSubConnection<byte[], byte[]> connection,
      StatefulConnection<?, ?> whole,
      @Nullable String host) {
    void close() {
      var unused = whole.closeAsync();
    }
  }

  LettuceSubscription start() {
    connect(null);
    return this;
  }

  /** Connects on another thread, because Lettuce waits for it. */
  private void connect(@Nullable Moved to) {
    Thread thread =
        new Thread(
            () -> {
              try {
                begin(dial.open(first, sharded, to));
              } catch (RuntimeException | Error e) {
                ended(e);
              }
            },
            "sioemit-replies");
    thread.setDaemon(true);
    thread.start();
  }

  private void begin(Opened connected) {
    connected.connection.addListener((RedisPubSubListener<byte[], byte[]>) this);
    connected.connection.addListener((RedisConnectionStateListener) this);
    List<byte[]> all;
    synchronized (this) {
      if (closed) {
        connected.close();
        return;
      }
      opened = connected;
      all = channels.stream().map(ByteBuffer::array).toList();
    }
    if (sharded) { // if the user may
      var unused = connected.connection.async().clientSetname(Replies.NAME.getBytes(US_ASCII));
    }
    write(connected, all);
  }

  @Override
  public void subscribe(List<byte[]> more) {
    Opened to;
    synchronized (this) {
      more.forEach(channel -> channels.add(ByteBuffer.wrap(channel)));
      to = opened;
      if (to == null) {
        return;
      }
    }
    write(to, more);
  }

  /** It holds no lock: the receiver may be told at once that this has failed. */
  private void write(Opened to, List<byte[]> some) {
    byte[][] names = some.toArray(byte[][]::new);
    RedisFuture<Void> done =
        sharded ? to.connection.async().ssubscribe(names) : to.connection.async().subscribe(names);
    var unused =
        done.whenComplete(
            (nothing, error) -> {
              if (error != null) {
                refused(to, error);
              }
            });
  }

  /** Follows the channels to the node that Redis names, or ends. */
  private void refused(Opened by, Throwable error) {
    Moved to = by.host == null ? null : Moved.of(error, by.host);
    synchronized (this) {
      if (!by.equals(opened)) {
        return; // it has been left
      }
      if (to == null || closed || moves == Replies.MAX_MOVES) {
        to = null;
      } else {
        moves++;
        opened = null;
      }
    }
    if (to == null) {
      ended(error);
      return;
    }
    by.connection.removeListener((RedisPubSubListener<byte[], byte[]>) this);
    by.connection.removeListener((RedisConnectionStateListener) this);
    by.close();
    receiver.moved(to.toString());
    connect(to);
  }

  @Override
  public synchronized void close() {
    if (!closed && opened != null) {
      opened.close();
    }
    closed = true;
  }

  private void ended(Throwable error) {
    Throwable cause =
        error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
    receiver.ended(cause instanceof RuntimeException known ? Refusal.clean(known) : cause);
  }

  /** Lettuce would connect again, and what came meanwhile is lost. */
  @Override
  public void onRedisDisconnected(RedisChannelHandler<?, ?> connection) {
    receiver.ended(new RedisException("its connection broke"));
  }

  @Override
  public void subscribed(byte[] channel, long count) {
    receiver.confirmed(channel);
  }

  @Override
  public void ssubscribed(byte[] channel, long count) {
    receiver.confirmed(channel);
  }

  @Override
  public void unsubscribed(byte[] channel, long count) {
    receiver.ended(new RedisException("Redis has ended a subscription"));
  }

  @Override
  public void sunsubscribed(byte[] channel, long count) {
    receiver.ended(new RedisException("Redis has ended a subscription"));
  }

  @Override
  public void message(byte[] channel, byte[] message) {
    receiver.received(message);
  }

  @Override
  public void smessage(byte[] channel, byte[] message) {
    receiver.received(message);
  }
}
