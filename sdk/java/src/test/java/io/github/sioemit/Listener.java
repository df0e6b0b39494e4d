package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessageUnpacker;
import redis.clients.jedis.BinaryJedisPubSub;
import redis.clients.jedis.Jedis;

/** Hears everything that is published, as a server of the classic adapter would. */
@NullUnmarked
final class Listener implements AutoCloseable {
  /** What was published, decoded. */
  record Message(String channel, Object payload) {
    @SuppressWarnings("unchecked")
    Map<String, Object> packet() {
      return (Map<String, Object>) ((List<?>) payload).get(1);
    }

    @SuppressWarnings("unchecked")
    List<Object> data() {
      return (List<Object>) packet().get("data");
    }

    @SuppressWarnings("unchecked")
    Map<String, Object> options() {
      return (Map<String, Object>) ((List<?>) payload).get(2);
    }

    @SuppressWarnings("unchecked")
    Map<String, Object> request() {
      return (Map<String, Object>) payload;
    }
  }

  private final BlockingQueue<Message> messages = new LinkedBlockingQueue<>();
  private final BinaryJedisPubSub subscription;
  private final Thread thread;

  Listener(int port) {
    var subscribed = new CountDownLatch(1);
    subscription =
        new BinaryJedisPubSub() {
          @Override
          public void onPSubscribe(byte[] pattern, int channels) {
            subscribed.countDown();
          }

          @Override
          public void onPMessage(byte[] pattern, byte[] channel, byte[] message) {
            messages.add(new Message(new String(channel, UTF_8), decode(message)));
          }
        };
    thread =
        new Thread(
            () -> {
              try (var jedis = new Jedis("127.0.0.1", port, 0)) {
                jedis.psubscribe(subscription, "*".getBytes(UTF_8));
              }
            });
    thread.setDaemon(true);
    thread.start();
    try {
      if (!subscribed.await(RedisServer.DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
        throw new IllegalStateException("it does not listen");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns the next message. */
  Message next() {
    try {
      Message message = messages.poll(RedisServer.DEADLINE.toSeconds(), TimeUnit.SECONDS);
      if (message == null) {
        throw new AssertionError("nothing was published");
      }
      return message;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns the arguments of the next event. */
  List<Object> args() {
    List<Object> data = next().data();
    return data.subList(1, data.size());
  }

  static Object decode(byte[] message) {
    try {
      if (message[0] == '{' || message[0] == '[') {
        return new ObjectMapper().readValue(message, new TypeReference<Object>() {});
      }
      try (MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(message)) {
        Object value = value(unpacker);
        if (unpacker.hasNext()) {
          throw new AssertionError("more behind the message: " + Arrays.toString(message));
        }
        return value;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Object value(MessageUnpacker from) throws IOException {
    switch (from.getNextFormat().getValueType()) {
      case NIL -> {
        from.unpackNil();
        return null;
      }
      case BOOLEAN -> {
        return from.unpackBoolean();
      }
      case INTEGER -> {
        return from.unpackLong();
      }
      case FLOAT -> {
        return from.unpackDouble();
      }
      case STRING -> {
        return from.unpackString();
      }
      case BINARY -> {
        return new Binary(from.readPayload(from.unpackBinaryHeader()));
      }
      case ARRAY -> {
        List<Object> items = new ArrayList<>();
        for (int n = from.unpackArrayHeader(); n > 0; n--) {
          items.add(value(from));
        }
        return items;
      }
      case MAP -> {
        Map<String, Object> members = new LinkedHashMap<>();
        for (int n = from.unpackMapHeader(); n > 0; n--) {
          members.put(from.unpackString(), value(from));
        }
        return members;
      }
      default -> throw new AssertionError("a type that no server knows");
    }
  }

  /** Bytes, which equal no text. */
  static final class Binary {
    private final byte[] bytes;

    Binary(byte... bytes) {
      this.bytes = bytes;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Binary binary && Arrays.equals(binary.bytes, bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      return "Binary" + Arrays.toString(bytes);
    }
  }

  @Override
  public void close() {
    subscription.punsubscribe();
    try {
      thread.join(RedisServer.DEADLINE.toMillis());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
