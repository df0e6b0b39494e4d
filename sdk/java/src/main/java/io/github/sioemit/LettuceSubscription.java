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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A connection for replies, which the threads of Lettuce read. */
final class LettuceSubscription extends RedisPubSubAdapter<byte[], byte[]>
    implements Subscriber.Subscription, RedisConnectionStateListener {
  private final boolean sharded;
  private final Subscriber.Receiver receiver;

  // The rest is guarded by this.
  private final List<byte[]> first;
  private @Nullable Opened opened;
  private boolean closed;

  LettuceSubscription(List<byte[]> first, boolean sharded, Subscriber.Receiver receiver) {
    this.sharded = sharded;
    this.receiver = receiver;
    this.first = new ArrayList<>(first);
  }

  /** A connection, and that which it belongs to, if it is not itself. */
  record Opened(
      StatefulRedisPubSubConnection<byte[], byte[]> connection, StatefulConnection<?, ?> whole) {
    void close() {
      var unused = whole.closeAsync();
    }
  }

  /** Connects on another thread, because Lettuce waits for it. */
  LettuceSubscription start(Supplier<Opened> dial) {
    Thread thread =
        new Thread(
            () -> {
              try {
                begin(dial.get());
              } catch (RuntimeException | Error e) {
                ended(e);
              }
            },
            "sioemit-replies");
    thread.setDaemon(true);
    thread.start();
    return this;
  }

  private void begin(Opened connected) {
    connected.connection.addListener((RedisPubSubListener<byte[], byte[]>) this);
    connected.connection.addListener((RedisConnectionStateListener) this);
    synchronized (this) {
      if (closed) {
        connected.close();
        return;
      }
      opened = connected;
    }
    if (sharded) { // if the user may
      var unused = connected.connection.async().clientSetname(Replies.NAME.getBytes(US_ASCII));
    }
    write(connected, first);
  }

  @Override
  public void subscribe(List<byte[]> more) {
    Opened to;
    synchronized (this) {
      to = opened;
      if (to == null) {
        first.addAll(more);
        return;
      }
    }
    write(to, more);
  }

  /** It holds no lock: the receiver may be told at once that this has failed. */
  private void write(Opened to, List<byte[]> channels) {
    byte[][] names = channels.toArray(byte[][]::new);
    RedisFuture<Void> done =
        sharded ? to.connection.async().ssubscribe(names) : to.connection.async().subscribe(names);
    var unused =
        done.whenComplete(
            (nothing, error) -> {
              if (error != null) {
                ended(error);
              }
            });
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
