package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.sioemit.Listener.Binary;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.masterreplica.MasterReplica;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.BinaryJedisPubSub;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisSentinelPool;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.RedisSentinelClient;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;

/** What each Redis client makes of it. */
@ExtendWith(RedisExtension.class)
@SuppressWarnings({"deprecation", "try"}) // people still have a JedisPool
@NullUnmarked
class PublishersTest {
  private static final String PASSWORD = "S3cr3tP4ss";

  /** Sends everything there is through a publisher, and sees it arrive. */
  private static void works(Publisher publisher, Listener listener, RedisServer server)
      throws InterruptedException {
    var io = new Emitter(publisher);
    io.to("r").emit("ev", "h\u00e9", new byte[] {-1, 0});
    var message = listener.next();
    assertEquals("socket.io#/#r#", message.channel());
    assertEquals(List.of("ev", "h\u00e9", new Binary((byte) -1, (byte) 0)), message.data());
    List<CompletableFuture<Void>> sent = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      sent.add(io.emitAsync("ev", i));
    }
    sent.forEach(CompletableFuture::join);
    for (long i = 0; i < 100; i++) {
      assertEquals(List.of(i), listener.args());
    }
    io.pipelined(pipe -> LongStream.range(0, 100).forEach(i -> pipe.emit("ev", i)));
    io.pipelinedAsync(pipe -> LongStream.range(100, 200).forEach(i -> pipe.emit("ev", i))).join();
    for (long i = 0; i < 200; i++) {
      assertEquals(List.of(i), listener.args());
    }
    assertEquals(0, io.of("\u00e9").serverCount());
    try (var subscribed = new Subscribed(server.port, "socket.io-request#/\u00e9#")) {
      assertEquals(1, io.of("\u00e9").serverCount(), subscribed.channel);
    }
  }

  /** Somebody who listens on a channel. */
  private static final class Subscribed extends BinaryJedisPubSub implements AutoCloseable {
    final String channel;
    private final CompletableFuture<Void> there = new CompletableFuture<>();
    private final Thread thread;

    Subscribed(int port, String channel) {
      this.channel = channel;
      thread =
          new Thread(
              () -> {
                try (var jedis = new Jedis("127.0.0.1", port, 0)) {
                  jedis.subscribe(this, channel.getBytes(UTF_8));
                }
              });
      thread.setDaemon(true);
      thread.start();
      there.join();
    }

    @Override
    public void onSubscribe(byte[] name, int channels) {
      there.complete(null);
    }

    @Override
    public void close() {
      unsubscribe();
      try {
        thread.join(RedisServer.DEADLINE.toMillis());
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void jedis(RedisServer server, Listener listener) throws InterruptedException {
    for (RedisProtocol protocol : List.of(RedisProtocol.RESP2, RedisProtocol.RESP3)) {
      try (var client =
          RedisClient.builder()
              .hostAndPort("127.0.0.1", server.port)
              .clientConfig(DefaultJedisClientConfig.builder().protocol(protocol).build())
              .build()) {
        works(new JedisPublisher(client), listener, server);
      }
    }
  }

  @Test
  void jedisPool(RedisServer server, Listener listener) throws InterruptedException {
    try (var pool = new JedisPool("127.0.0.1", server.port)) {
      works(new JedisPublisher(pool), listener, server);
      assertEquals(0, pool.getNumActive());
    }
  }

  @Test
  void jedisBySentinel(@TempDir Path directory) throws Exception {
    try (var master = new RedisServer(directory);
        var sentinel = RedisServer.sentinel(directory, master);
        var listener = new Listener(master.port);
        var client =
            RedisSentinelClient.builder()
                .masterName("mymaster")
                .sentinels(Set.of(new HostAndPort("127.0.0.1", sentinel.port)))
                .build();
        var pool = new JedisSentinelPool("mymaster", Set.of("127.0.0.1:" + sentinel.port))) {
      works(new JedisPublisher(client), listener, master);
      works(new JedisPublisher(pool), listener, master);
    }
  }

  @Test
  void jedisRunsAsynchronousCallsOnThreadsOfTheCaller(RedisServer server, Listener listener) {
    var made = new AtomicInteger();
    var threads =
        Executors.newFixedThreadPool(
            4,
            task -> {
              made.incrementAndGet();
              return new Thread(task);
            });
    try (var client = RedisClient.create(server.url());
        var pool = new JedisPool("127.0.0.1", server.port)) {
      for (Publisher publisher :
          List.of(new JedisPublisher(client, threads), new JedisPublisher(pool, threads))) {
        var io = new Emitter(publisher);
        List<CompletableFuture<Void>> sent = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
          sent.add(io.emitAsync("ev", i));
          sent.get(i).cancel(true); // which must not let another one overtake it
        }
        io.pipelinedAsync(pipe -> pipe.emit("end")).join();
        for (long i = 0; i < 200; i++) {
          assertEquals(List.of(i), listener.args());
        }
        assertEquals(List.of("end"), listener.next().data());
      }
    } finally {
      threads.shutdown();
    }
    assertEquals(4, made.get());
  }

  @Test
  void lettuce(RedisServer server, Listener listener) throws InterruptedException {
    var client = io.lettuce.core.RedisClient.create(server.url());
    try {
      works(new LettucePublisher(client.connect()), listener, server);
      works(new LettucePublisher(client.connect(StringCodec.ASCII)), listener, server);
    } finally {
      client.shutdown();
    }
  }

  @Test
  void lettuceWaitsNoLongerThanItsTimeout(RedisServer server, Listener listener) {
    var client = io.lettuce.core.RedisClient.create(server.url());
    try (var connection = client.connect()) {
      var io = new Emitter(new LettucePublisher(connection));
      connection.setAutoFlushCommands(false);
      connection.setTimeout(java.time.Duration.ofMillis(50));
      assertThrows(io.lettuce.core.RedisCommandTimeoutException.class, () -> io.emit("late"));
      Thread.currentThread().interrupt();
      assertThrows(io.lettuce.core.RedisCommandInterruptedException.class, () -> io.emit("late"));
      assertTrue(Thread.interrupted());
      connection.flushCommands();
      connection.setAutoFlushCommands(true);
      connection.setTimeout(java.time.Duration.ZERO);
      io.emit("in time");
      assertEquals(List.of("in time"), listener.next().data());
    } finally {
      client.shutdown();
    }
  }

  /** Such a connection throws at once, where others give a command that fails. */
  @Test
  void lettuceFailsFuturesWhenItThrows(RedisServer server) {
    var client = io.lettuce.core.RedisClient.create();
    try {
      var connection =
          MasterReplica.connect(client, StringCodec.UTF8, RedisURI.create(server.url()));
      connection.close();
      var io = new Emitter(new LettucePublisher(connection));
      assertThrows(RedisException.class, () -> io.emit("ev"));
      assertInstanceOf(
          RedisException.class,
          assertThrows(CompletionException.class, () -> io.emitAsync("ev").join()).getCause());
      List<CompletableFuture<Void>> inside = new ArrayList<>();
      var whole = io.pipelinedAsync(pipe -> inside.add(pipe.emitAsync("ev")));
      for (var sent : List.of(whole, inside.get(0))) {
        assertTrue(sent.isCompletedExceptionally());
      }
    } finally {
      client.shutdown();
    }
  }

  /** Each node of a cluster knows its own subscribers only, so that one would count a part. */
  @Test
  void oneNodeOfClusterDoesNotCountServers(@TempDir Path directory) throws Exception {
    try (var cluster = new RedisCluster(directory)) {
      eachCounts(
          cluster.add().url(),
          io -> {
            var e = assertThrows(UnsupportedOperationException.class, io::serverCount);
            assertTrue(e.getMessage().contains("Redis Cluster"), e.getMessage());
          });
    }
  }

  @Test
  void serversAreCountedWithoutTheRightToInfo(@TempDir Path directory) {
    try (var server =
        new RedisServer(
            directory, "--user", "noinfo", "on", "nopass", "+@all", "-info", "~*", "&*")) {
      eachCounts(
          "redis://noinfo:any@127.0.0.1:" + server.port, io -> assertEquals(0, io.serverCount()));
    }
  }

  private static void eachCounts(String url, Consumer<Emitter> count) {
    var lettuce = io.lettuce.core.RedisClient.create(url);
    try (var client = RedisClient.create(url);
        var pool = new JedisPool(java.net.URI.create(url))) {
      assertAll(
          () -> count.accept(new Emitter(new JedisPublisher(client))),
          () -> count.accept(new Emitter(new JedisPublisher(pool))),
          () -> count.accept(new Emitter(new LettucePublisher(lettuce.connect()))));
    } finally {
      lettuce.shutdown();
    }
  }

  /** A Redis that takes the command and breaks the connection. */
  @Test
  void jedisSendsOnce() throws Exception {
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    try (var server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      var thread = new Thread(() -> accept(server, seen));
      thread.start();
      try (var client = RedisClient.create("127.0.0.1", server.getLocalPort());
          var pool = new JedisPool("127.0.0.1", server.getLocalPort())) {
        for (Publisher publisher : List.of(new JedisPublisher(client), new JedisPublisher(pool))) {
          var io = new Emitter(publisher);
          assertThrows(JedisConnectionException.class, () -> io.emit("ev"));
          assertThrows(
              JedisConnectionException.class,
              () ->
                  io.pipelined(
                      pipe -> {
                        pipe.emit("ev");
                        pipe.emit("ev");
                      }));
          var e = assertThrows(CompletionException.class, () -> io.emitAsync("ev").join());
          assertInstanceOf(JedisConnectionException.class, e.getCause());
        }
      }
      server.close();
      thread.join();
    }
    assertEquals(6, seen.size());
  }

  private static void accept(ServerSocket server, List<String> seen) {
    while (true) {
      try {
        Socket connection = server.accept();
        var thread = new Thread(() -> breakAfterReading(connection, seen));
        thread.setDaemon(true);
        thread.start();
      } catch (IOException e) {
        return; // it was closed
      }
    }
  }

  private static void breakAfterReading(Socket connection, List<String> seen) {
    byte[] buffer = new byte[65_536];
    try (connection) {
      while (true) {
        int n = connection.getInputStream().read(buffer);
        String data = n < 0 ? "" : new String(buffer, 0, n, UTF_8);
        if (data.isEmpty()) {
          return;
        }
        if (data.contains("PUBLISH")) {
          seen.add(data);
          return;
        }
        String answer = data.contains("HELLO") ? "-ERR unknown command\r\n" : "+OK\r\n";
        int commands = data.split("\\*\\d+\r\n", -1).length - 1;
        connection.getOutputStream().write(answer.repeat(commands).getBytes(UTF_8));
      }
    } catch (IOException e) {
      return; // the client has closed it
    }
  }

  @Test
  void errorsOfRedisAreThrownAndHoldNoPassword(@TempDir Path directory) {
    try (var server =
        new RedisServer(
            directory, "--requirepass", "right", "--rename-command", "AUTH", "HIDDEN")) {
      String url = "redis://user:" + PASSWORD + "@127.0.0.1:" + server.port;
      try (var client = RedisClient.create(url);
          var pool = new JedisPool(java.net.URI.create(url))) {
        fails(new JedisPublisher(client), JedisException.class);
        fails(new JedisPublisher(pool), JedisException.class);
      }
    }
  }

  /**
   * A command that Redis does not know comes back in its error, with all that it would have sent.
   */
  @Test
  void errorsOfRedisRepeatNoEvent(@TempDir Path directory) {
    try (var server = new RedisServer(directory, "--rename-command", "PUBLISH", "HIDDEN")) {
      var lettuce = io.lettuce.core.RedisClient.create(server.url());
      try (var client = RedisClient.create(server.url());
          var pool = new JedisPool("127.0.0.1", server.port)) {
        for (Publisher publisher :
            List.of(
                new JedisPublisher(client),
                new JedisPublisher(pool),
                new LettucePublisher(lettuce.connect()))) {
          var io = new Emitter(publisher);
          var e = assertThrows(RuntimeException.class, () -> io.emit("ev", PASSWORD));
          assertTrue(e.getMessage().contains("unknown command"), e.getMessage());
          noPassword(e);
          noPassword(
              assertThrows(
                  RuntimeException.class,
                  () ->
                      io.pipelined(
                          pipe -> {
                            pipe.emit("a", PASSWORD);
                            pipe.emit("b", PASSWORD);
                          })));
          noPassword(
              assertThrows(CompletionException.class, () -> io.emitAsync("ev", PASSWORD).join()));
        }
      } finally {
        lettuce.shutdown();
      }
    }
  }

  private static void fails(Publisher publisher, Class<? extends RuntimeException> type) {
    var io = new Emitter(publisher);
    noPassword(assertThrows(type, () -> io.emit("ev")));
    noPassword(assertThrows(type, io::serverCount));
    noPassword(
        assertThrows(
            type,
            () ->
                io.pipelined(
                    pipe -> {
                      pipe.emit("a");
                      pipe.emit("b");
                    })));
    var e = assertThrows(CompletionException.class, () -> io.emitAsync("ev").join());
    assertInstanceOf(type, e.getCause());
    noPassword(e);
  }

  private static void noPassword(Throwable error) {
    var trace = new StringWriter();
    error.printStackTrace(new PrintWriter(trace));
    assertFalse(trace.toString().contains(PASSWORD), trace::toString);
  }

  @Test
  void rightsThatAreMissing(@TempDir Path directory) {
    try (var server =
        new RedisServer(
            directory, "--user", "nopublish", "on", "nopass", "+@all", "-publish", "~*", "&*")) {
      String url = "redis://nopublish:any@127.0.0.1:" + server.port;
      var lettuce = io.lettuce.core.RedisClient.create(url);
      try (var client = RedisClient.create(url)) {
        refuses(new JedisPublisher(client), JedisException.class);
        refuses(new LettucePublisher(lettuce.connect()), RedisException.class);
      } finally {
        lettuce.shutdown();
      }
    }
  }

  private static void refuses(Publisher publisher, Class<? extends RuntimeException> type) {
    var io = new Emitter(publisher);
    var e = assertThrows(type, () -> io.emit("ev"));
    assertTrue(e.getMessage().contains("NOPERM"), e.getMessage());
    assertThrows(
        type,
        () ->
            io.pipelined(
                pipe -> {
                  pipe.emit("a");
                  pipe.emit("b");
                }));
  }
}
