package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.NullUnmarked;
import redis.clients.jedis.BinaryJedisPubSub;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.params.ClientKillParams;

/** Answers as a server of the classic adapter with one client would, and notes what it is asked. */
@NullUnmarked
final class AskedServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The ids of the questions, in order. */
  final BlockingQueue<String> asked = new LinkedBlockingQueue<>();

  /** How many events it has got. */
  final AtomicInteger events = new AtomicInteger();

  private final int port;
  private final boolean answers;
  private volatile long connection;
  private boolean cut;
  private final Jedis replies;
  private final Thread thread;
  private final CountDownLatch there = new CountDownLatch(1);
  private final BinaryJedisPubSub requests =
      new BinaryJedisPubSub() {
        @Override
        public void onSubscribe(byte[] channel, int channels) {
          psubscribe("socket.io#/#*".getBytes(UTF_8));
        }

        @Override
        public void onPSubscribe(byte[] pattern, int channels) {
          there.countDown();
        }

        @Override
        public void onPMessage(byte[] pattern, byte[] channel, byte[] message) {
          events.incrementAndGet();
        }

        @Override
        public void onMessage(byte[] channel, byte[] message) {
          try {
            take(JSON.readTree(message));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  AskedServer(int port) throws InterruptedException {
    this(port, true);
  }

  AskedServer(int port, boolean answers) throws InterruptedException {
    this.port = port;
    this.answers = answers;
    replies = new Jedis("127.0.0.1", port, RedisServer.PATIENCE);
    thread = new Thread(this::listen);
    thread.start();
    if (!there.await(RedisServer.DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("it does not listen");
    }
  }

  /** By a connection that does not say it is Jedis, which servers do not use. */
  private void listen() {
    var config =
        DefaultJedisClientConfig.builder()
            .timeoutMillis(RedisServer.PATIENCE)
            .socketTimeoutMillis(0)
            .clientSetInfoConfig(ClientSetInfoConfig.DISABLED);
    try (var jedis = new Jedis(new HostAndPort("127.0.0.1", port), config.build())) {
      connection = jedis.clientId();
      jedis.subscribe(requests, "socket.io-request#/#".getBytes(UTF_8));
    } catch (JedisConnectionException e) {
      return; // it was cut
    }
  }

  /**
   * Ends its connection to Redis, from there. Its connection for replies is that of another thread,
   * which may not have read yet what Redis said to the last one.
   */
  void cut() throws InterruptedException {
    cut = true;
    try (var admin = new Jedis("127.0.0.1", port, RedisServer.PATIENCE)) {
      admin.clientKill(ClientKillParams.clientKillParams().id("" + connection));
    }
    thread.join();
  }

  private void take(JsonNode request) {
    String id = request.path("requestId").textValue();
    if (id == null) {
      events.incrementAndGet(); // for servers
      return;
    }
    asked.add(id);
    if (!answers) {
      return;
    }
    List<String> all =
        switch (request.path("type").intValue()) {
          case 0 -> List.of("'sockets':[]");
          case 1 -> List.of("'rooms':['s1','b','a',5]");
          case 5 ->
              List.of(
                  "'sockets':[{'id':'s1','rooms':['s1','a',5],'data':{'name':'Ada'},"
                      + "'handshake':{'auth':{'token':'S3cr3t'}}}]");
          case 6 -> List.of("'type':6,'data':{'type':'Buffer','data':[1,255]}");
          default -> List.of("'type':9,'packet':'hi'", "'type':8,'clientCount':1");
        };
    for (String members : all) {
      String reply = "{'requestId':'" + id + "'," + members + "}";
      replies.publish("socket.io-response#/#", reply.replace('\'', '"'));
    }
  }

  @Override
  public void close() {
    if (!cut) {
      requests.unsubscribe();
      requests.punsubscribe();
    }
    try {
      thread.join(RedisServer.DEADLINE.toMillis());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    replies.close();
  }
}
