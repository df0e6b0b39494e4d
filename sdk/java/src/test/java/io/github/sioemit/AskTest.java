package io.github.sioemit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisURI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisSentinelPool;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.RedisSentinelClient;
import redis.clients.jedis.args.ClientType;

/** What servers are asked, through each Redis client, and what is left of it. */
@ExtendWith(RedisExtension.class)
@SuppressWarnings({"deprecation", "try"}) // people still have a JedisPool
@NullUnmarked
class AskTest {
  private static final Duration LONG = RedisServer.DEADLINE;

  /** The clients of one Redis, and what closes them. */
  static final class Clients implements AutoCloseable {
    private final RedisClient jedis;
    private final JedisPool pool;
    private final io.lettuce.core.RedisClient lettuce;
    private final io.lettuce.core.RedisClient anywhere = io.lettuce.core.RedisClient.create();
    final Map<String, Publisher> publishers = new LinkedHashMap<>();

    Clients(String url) {
      var where = java.net.URI.create(url);
      var node = new HostAndPort(where.getHost(), where.getPort());
      var config =
          DefaultJedisClientConfig.builder(where).timeoutMillis(RedisServer.PATIENCE).build();
      jedis = RedisClient.builder().hostAndPort(node).clientConfig(config).build();
      pool = new JedisPool(node, config);
      lettuce = io.lettuce.core.RedisClient.create(url);
      publishers.put("RedisClient", new JedisPublisher(jedis));
      publishers.put("JedisPool", new JedisPublisher(pool));
      publishers.put("Lettuce", new LettucePublisher(lettuce.connect(), lettuce));
      RedisURI uri = RedisURI.create(url);
      publishers.put("URI", new LettucePublisher(anywhere.connect(uri), anywhere, uri));
    }

    @Override
    public void close() {
      jedis.close();
      pool.close();
      lettuce.shutdown();
      anywhere.shutdown();
    }
  }

  static void asks(Publisher publisher) {
    try (var emitter = new Emitter(publisher)) {
      BroadcastOperator io = emitter.timeout(LONG);
      for (Acks acks : List.of(io.to("a").emitWithAck("ev", 1), io.emitWithAckAsync("ev").join())) {
        assertEquals(new Acks(List.of("hi"), 1, List.of(1L), 1), acks);
      }
      for (List<Socket> sockets : List.of(io.fetchSockets(), io.fetchSocketsAsync().join())) {
        Socket socket = sockets.get(0);
        assertEquals(1, sockets.size());
        assertEquals("s1", socket.id());
        assertEquals(List.of("s1", "a"), socket.rooms());
        assertEquals(List.of(5L), socket.numberRooms());
        assertEquals(Map.of("name", "Ada"), socket.data());
        assertEquals(Map.of("auth", Map.of("token", "S3cr3t")), socket.handshake());
        assertFalse(socket.toString().contains("S3cr3t"), socket::toString);
      }
      for (List<Object> values :
          List.of(io.serverSideEmitWithAck("e"), io.serverSideEmitWithAckAsync("e").join())) {
        assertArrayEquals(new byte[] {1, -1}, assertInstanceOf(byte[].class, values.get(0)));
      }
      for (List<String> rooms : List.of(io.rooms(), io.roomsAsync().join())) {
        assertEquals(List.of("a", "b", "s1"), rooms);
      }
    }
  }

  @Test
  void eachClientOfOneRedis(RedisServer server) throws Exception {
    try (var asked = new AskedServer(server.port);
        var clients = new Clients(server.url())) {
      clients.publishers.values().forEach(AskTest::asks);
      assertEquals(8 * clients.publishers.size(), Set.copyOf(asked.asked).size());
    }
  }

  @Test
  void bySentinel(@TempDir Path directory) throws Exception {
    try (var master = new RedisServer(directory);
        var sentinel = RedisServer.sentinel(directory, master);
        var asked = new AskedServer(master.port)) {
      Set<String> sentinels = Set.of("127.0.0.1:" + sentinel.port);
      var uri = RedisURI.Builder.sentinel("127.0.0.1", sentinel.port, "mymaster").build();
      var lettuce = io.lettuce.core.RedisClient.create(uri);
      try (var pool = new JedisSentinelPool("mymaster", sentinels);
          var client =
              RedisSentinelClient.builder()
                  .masterName("mymaster")
                  .sentinels(Set.of(new HostAndPort("127.0.0.1", sentinel.port)))
                  .build()) {
        for (Publisher publisher :
            List.of(
                new JedisPublisher(pool),
                new JedisPublisher(client),
                new LettucePublisher(lettuce.connect(), lettuce))) {
          asks(publisher);
          BroadcastOperator io = new Emitter(publisher).timeout(LONG);
          assertEquals(1, io.confirm());
          io.emit("ev");
          assertEquals(1, io.confirm());
        }
        assertEquals(3, asked.events.get());
      } finally {
        lettuce.shutdown();
      }
    }
  }

  /** Returns once something is so, because connections end a moment after the call. */
  static void eventually(BooleanSupplier so, Supplier<String> what) throws InterruptedException {
    long giveUp = System.nanoTime() + RedisServer.DEADLINE.toNanos();
    while (!so.getAsBoolean()) {
      assertTrue(System.nanoTime() < giveUp, what);
      Thread.sleep(5);
    }
  }

  static long threads(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(name))
        .count();
  }

  /** Returns once no connection and no thread of a question is there any more. */
  static void nothingIsLeft(String name, Jedis admin) throws InterruptedException {
    eventually(() -> pubsub(admin) == 1, () -> name + admin.clientList());
    eventually(() -> threads("sioemit") == 0, () -> name + Thread.getAllStackTraces());
  }

  @Test
  void thousandCallsLeaveNothing(RedisServer server) throws Exception {
    try (var asked = new AskedServer(server.port);
        var clients = new Clients(server.url());
        var admin = server.jedis()) {
      for (var entry : clients.publishers.entrySet()) {
        BroadcastOperator io = new Emitter(entry.getValue()).timeout(LONG);
        io.rooms();
        io.roomsAsync().join();
        eventually(() -> pubsub(admin) == 1, () -> entry.getKey() + admin.clientList());
        int connections = admin.clientList().split("\n", -1).length;
        for (int i = 0; i < 100; i++) {
          io.rooms();
        }
        for (int i = 0; i < 15; i++) {
          var all = new CompletableFuture<?>[10];
          for (int k = 0; k < all.length; k++) {
            all[k] = io.fetchSocketsAsync();
          }
          CompletableFuture.allOf(all).join();
        }
        nothingIsLeft(entry.getKey(), admin);
        // Of its pool Jedis has up to eight.
        assertTrue(admin.clientList().split("\n", -1).length <= connections + 8, entry.getKey());
      }
      assertEquals(4 * 252, Set.copyOf(asked.asked).size());
    }
  }

  @Test
  void thousandQuestionsAtOnce(RedisServer server) throws Exception {
    try (var asked = new AskedServer(server.port);
        var clients = new Clients(server.url());
        var admin = server.jedis()) {
      for (var entry : clients.publishers.entrySet()) {
        BroadcastOperator io = new Emitter(entry.getValue()).timeout(LONG);
        var all = new CompletableFuture<?>[1000];
        for (int i = 0; i < all.length; i++) {
          all[i] = io.fetchSocketsAsync();
        }
        for (var sockets : all) {
          assertEquals(1, ((List<?>) sockets.join()).size());
        }
        nothingIsLeft(entry.getKey(), admin);
      }
      assertEquals(1000 * clients.publishers.size(), Set.copyOf(asked.asked).size());
    }
  }

  /** How many connections have subscribed, that of the server included. */
  private static long pubsub(Jedis admin) {
    return admin.clientList().lines().filter(line -> !line.contains(" sub=0 ")).count();
  }

  @Test
  void oneConnectionForAll(RedisServer server) throws Exception {
    try (var silent = new AskedServer(server.port, false);
        var clients = new Clients(server.url());
        var admin = server.jedis()) {
      for (var entry : clients.publishers.entrySet()) {
        var io = new Emitter(entry.getValue());
        var first = io.timeout(LONG).roomsAsync();
        var second = io.timeout(LONG).fetchSocketsAsync();
        assertFalse(silent.asked.take().equals(silent.asked.take()));
        assertEquals(2, pubsub(admin), entry.getKey());
        assertTrue(first.cancel(true));
        assertTrue(second.cancel(true));
        nothingIsLeft(entry.getKey(), admin);
      }
    }
  }

  /** Whoever looks at the connections of servers can tell them apart by it. */
  @Test
  void connectionsWithShardChannelsHaveAName(@TempDir Path directory) throws Exception {
    try (var server =
            new RedisServer(
                directory,
                "--user",
                "mute",
                "on",
                "nopass",
                "+@all",
                "-client|setname",
                "~*",
                "&*");
        var admin = server.jedis()) {
      for (String user : List.of("default", "mute")) {
        try (var clients = new Clients("redis://" + user + ":any@127.0.0.1:" + server.port)) {
          for (Publisher publisher : clients.publishers.values()) {
            assertEquals(
                user.equals("default"), isNamed((Subscriber) publisher, true, admin), user);
            assertFalse(isNamed((Subscriber) publisher, false, admin));
          }
        }
      }
    }
  }

  private static boolean isNamed(Subscriber subscriber, boolean sharded, Jedis admin)
      throws Exception {
    var confirmed = new Confirmed();
    var subscription = subscriber.subscribe(List.of(new byte[] {'c'}), sharded, confirmed);
    confirmed.channel.get();
    boolean named = admin.clientList().contains(" name=sioemit-replies ");
    subscription.close();
    eventually(() -> admin.clientList(ClientType.PUBSUB).isEmpty(), admin::clientList);
    return named;
  }

  @Test
  void cutBehindTheQuestion(RedisServer server) throws Exception {
    try (var asked = new AskedServer(server.port);
        var proxy = new CuttingProxy().to(server.port);
        var clients = new Clients("redis://127.0.0.1:" + proxy.port)) {
      for (var entry : clients.publishers.entrySet()) {
        cut(entry.getKey(), entry.getValue(), asked, proxy);
      }
    }
  }

  @Test
  void cutBehindTheQuestionOnCluster(@TempDir Path directory) throws Exception {
    try (var proxy = new CuttingProxy();
        var server =
            new RedisServer(
                directory,
                "--cluster-enabled",
                "yes",
                "--cluster-announce-port",
                "" + proxy.port,
                "--cluster-announce-ip",
                "127.0.0.1")) {
      proxy.to(server.port);
      try (var admin = server.jedis()) {
        admin.clusterAddSlotsRange(0, 16383);
        eventually(() -> admin.clusterInfo().contains("cluster_state:ok"), admin::clusterInfo);
      }
      var lettuce =
          io.lettuce.core.cluster.RedisClusterClient.create("redis://127.0.0.1:" + proxy.port);
      try (var asked = new AskedServer(server.port);
          var jedis =
              RedisClusterClient.builder()
                  .nodes(Set.of(new HostAndPort("127.0.0.1", proxy.port)))
                  .clientConfig(DefaultJedisClientConfig.builder().build())
                  .maxAttempts(5)
                  .build()) {
        cut("jedis", new JedisPublisher(jedis), asked, proxy);
        cut("lettuce", new LettucePublisher(lettuce.connect(), lettuce), asked, proxy);
      } finally {
        lettuce.shutdown();
      }
    }
  }

  /**
   * A question is never asked twice, and one that changes nothing as several. When a later one has
   * been answered, the server has got all that Redis took before.
   */
  private static void cut(String name, Publisher publisher, AskedServer asked, CuttingProxy proxy) {
    BroadcastOperator io = new Emitter(publisher).timeout(LONG);
    asked.asked.clear();
    proxy.cuts.set(1);
    assertThrows(MaybeAskedException.class, () -> io.emitWithAck("ev"), name);
    assertEquals(1, io.emitWithAck("behind").clients(), name);
    assertEquals(2, asked.asked.size(), name);
    proxy.cuts.set(2);
    assertEquals(1, io.fetchSockets().size(), name);
    assertEquals(5, asked.asked.size(), name);
    proxy.cuts.set(4);
    assertThrows(MaybeAskedException.class, io::rooms, name);
    assertEquals(List.of("a", "b", "s1"), io.rooms(), name);
    assertEquals(10, asked.asked.size(), name);
    assertEquals(10, new HashSet<>(asked.asked).size(), name);
  }

  @Test
  void interruptedOrClosed(RedisServer server) throws Exception {
    try (var silent = new AskedServer(server.port, false);
        var clients = new Clients(server.url())) {
      for (Publisher publisher : clients.publishers.values()) {
        var io = new Emitter(publisher);
        var thrown = new AtomicReference<AskException>();
        var thread =
            new Thread(
                () -> {
                  thrown.set(assertThrows(AskException.class, () -> io.timeout(LONG).rooms()));
                  assertTrue(Thread.currentThread().isInterrupted());
                });
        thread.start();
        silent.asked.take();
        thread.interrupt();
        thread.join();
        var incomplete = assertInstanceOf(IncompleteException.class, thrown.get());
        assertInstanceOf(InterruptedException.class, incomplete.getCause());
        assertEquals(1, incomplete.asked());
        assertEquals(List.of(), incomplete.partial());
        assertTrue(incomplete.needs().contains("redis-adapter"), incomplete.needs());

        var waits = io.timeout(LONG).roomsAsync();
        silent.asked.take();
        io.close();
        var error = assertThrows(CompletionException.class, waits::join);
        assertEquals(Reason.CLOSED, ((AskException) error.getCause()).reason());
        assertEquals(Reason.CLOSED, assertThrows(AskException.class, io::fetchSockets).reason());
        io.emit("still works");
        eventually(() -> threads("sioemit") == 0, () -> "" + Thread.getAllStackTraces());
      }
    }
  }

  /** Returns the error of a call that one of two servers has answered in time. */
  static IncompleteException whenOneHasAnswered(
      BroadcastOperator io, Consumer<BroadcastOperator> call) {
    return untilItSaysSo(io, call, e -> e.servers() == 1);
  }

  /**
   * Returns the error of a call whose time runs out because a server never answers. How far it gets
   * before that on a busy machine nobody knows.
   */
  private static IncompleteException untilItSaysSo(
      BroadcastOperator io, Consumer<BroadcastOperator> call, Predicate<IncompleteException> so) {
    for (Duration timeout = Duration.ofSeconds(1); ; timeout = timeout.multipliedBy(2)) {
      BroadcastOperator patient = io.timeout(timeout);
      var e = assertThrows(AskException.class, () -> call.accept(patient));
      if (e instanceof IncompleteException incomplete && so.test(incomplete)) {
        return incomplete;
      }
      assertTrue(timeout.compareTo(LONG) < 0, e::getMessage);
    }
  }

  @Test
  void incomplete(RedisServer server) throws Exception {
    try (var one = new AskedServer(server.port);
        var silent = new AskedServer(server.port, false);
        var client = RedisClient.create(server.url())) {
      var io = new Emitter(new JedisPublisher(client));
      var e = whenOneHasAnswered(io, target -> target.emitWithAck("ev"));
      assertEquals(new Acks(List.of("hi"), 1, List.of(1L), 2), e.partial());
      assertEquals(
          List.of(1L, 2L, 1L, 1L), List.of(e.servers(), e.asked(), e.clients(), e.expected()));
      assertEquals(
          "emitWithAck: 1 of 2 servers answered, and 1 of 1 clients: time ran out", e.getMessage());
      assertEquals(one.asked.take(), silent.asked.take());
    }
  }

  @Test
  void binaryForServersThatDoNotReadIt(RedisServer server) throws Exception {
    var binary = new byte[] {1};
    try (var silent = new AskedServer(server.port, false);
        var clients = new Clients(server.url())) {
      for (Publisher publisher : clients.publishers.values()) {
        var e =
            untilItSaysSo(
                new Emitter(publisher), io -> io.emitWithAck("ev", binary), it -> it.asked() == 1);
        assertEquals(new Acks(List.of(), 0, List.of(), 1), e.partial());
        assertEquals(
            "emitWithAck: 0 of 1 servers answered; servers answer it with "
                + "@socket.io/redis-adapter 7.2 or later: time ran out; the binary was not sent, "
                + "because it is not certain that all servers can read it",
            e.getMessage());
      }
      var io = new Emitter(clients.publishers.get("Lettuce")).timeout(LONG);
      silent.asked.clear();
      var thrown = new AtomicReference<AskException>();
      var thread =
          new Thread(
              () ->
                  thrown.set(assertThrows(AskException.class, () -> io.emitWithAck("ev", binary))));
      thread.start();
      silent.asked.take();
      thread.interrupt();
      thread.join();
      assertInstanceOf(InterruptedException.class, thrown.get().getCause());
      assertTrue(
          thrown.get().getMessage().contains("binary was not sent"), thrown.get()::getMessage);
      assertEquals(0, silent.asked.size());
    }
  }

  @Test
  void eachCallHasAnErrorOfItsOwn(RedisServer server) throws Exception {
    try (var silent = new AskedServer(server.port, false);
        var clients = new Clients(server.url())) {
      for (Publisher publisher : clients.publishers.values()) {
        var io = new Emitter(publisher);
        var binary = io.timeout(LONG).emitWithAckAsync("ev", new byte[] {1});
        var rooms = io.timeout(LONG).roomsAsync();
        silent.asked.take();
        silent.asked.take();
        io.close();
        var error = assertThrows(CompletionException.class, binary::join).getCause();
        assertTrue(error.getMessage().contains("the binary was not sent"), error::getMessage);
        error = assertThrows(CompletionException.class, rooms::join).getCause();
        assertEquals("the emitter has been closed", error.getMessage());
      }
    }
  }

  /** A client that subscribes, maybe on a node that Redis names, and never hears that it has. */
  private record Deaf(List<String> named) implements Publisher, Subscriber {
    @Override
    public void send(List<Command> commands) {}

    @Override
    public CompletableFuture<Void> sendAsync(List<Command> commands) {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public long subscribers(byte[] channel, boolean sharded) {
      return 1;
    }

    @Override
    public Subscription subscribe(List<byte[]> channels, boolean sharded, Receiver receiver) {
      named.forEach(receiver::moved);
      return new Subscription() {
        @Override
        public void subscribe(List<byte[]> more) {}

        @Override
        public void close() {}
      };
    }

    @Override
    public void ask(Command question) {
      throw new AssertionError("it has not subscribed");
    }

    @Override
    public boolean isCluster() {
      return false;
    }
  }

  @Test
  void notSubscribedInTime() {
    for (var named : List.of(List.<String>of(), List.of("127.0.0.1:1", "127.0.0.1:2"))) {
      var io = new Emitter(new Deaf(named)).timeout(Duration.ofMillis(500));
      var e = assertThrows(AskException.class, io::fetchSockets);
      assertEquals(Reason.SUBSCRIPTION, e.reason(), e::getMessage);
      assertEquals(
          "Redis did not confirm the subscription for replies in time; "
              + (named.isEmpty() ? "" : "its channel has moved to 127.0.0.1:2, as Redis says; ")
              + "nothing was asked",
          e.getMessage());
    }
  }

  @Test
  void refused(RedisServer server) throws Exception {
    var sends =
        new Publisher() {
          @Override
          public void send(List<Command> commands) {}

          @Override
          public CompletableFuture<Void> sendAsync(List<Command> commands) {
            return CompletableFuture.completedFuture(null);
          }

          @Override
          public long subscribers(byte[] channel, boolean sharded) {
            return 1;
          }
        };
    var sender = new Emitter(sends);
    var e = assertThrows(UnsupportedOperationException.class, sender::rooms);
    assertTrue(e.getMessage().contains("Subscriber"), e.getMessage());
    for (Duration wrong : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
      assertEquals(
          Reason.TIMEOUT,
          assertThrows(SioemitException.class, () -> sender.timeout(wrong)).reason());
    }
    var lettuce = io.lettuce.core.RedisClient.create(server.url());
    try (var client = RedisClient.create(server.url());
        var asked = new AskedServer(server.port)) {
      var lonely = new Emitter(new LettucePublisher(lettuce.connect()));
      e = assertThrows(UnsupportedOperationException.class, lonely::rooms);
      assertTrue(e.getMessage().contains("give LettucePublisher the client"), e.getMessage());
      assertEquals(0, asked.asked.size());
      var pipelined = new Emitter(new JedisPublisher(client));
      assertEquals(
          Reason.PIPELINED,
          assertThrows(
                  SioemitException.class, () -> pipelined.pipelined(pipe -> pipe.emitWithAck("ev")))
              .reason());
    } finally {
      lettuce.shutdown();
    }
  }
}
