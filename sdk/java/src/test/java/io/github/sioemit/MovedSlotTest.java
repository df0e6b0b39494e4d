package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisShardedPubSub;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.util.JedisClusterCRC16;

/** A Redis Cluster whose slots move, while its clients believe that they are where they were. */
@NullUnmarked
class MovedSlotTest {
  private static final String STREAM = "socket.io";
  private static final String REQUESTS = "socket.io#/#";
  private static final String REPLIES = "socket.io#/#emitter#";
  private static final int SLOT = JedisClusterCRC16.getSlot(REPLIES);

  private static List<String> events(Jedis node) {
    return node.xrange(STREAM, (StreamEntryID) null, null).stream()
        .map(entry -> entry.getFields().get("data").replaceAll(".*\"data\":\\[\"(\\w+)\".*", "$1"))
        .toList();
  }

  @Test
  void pipelineFollowsTheSlot(@TempDir Path directory) throws Exception {
    try (var cluster = new RedisCluster(directory)) {
      var first = cluster.add();
      cluster.add();
      Jedis from = cluster.admins.get(0);
      Jedis to = cluster.admins.get(1);
      try (var client = RedisClusterClient.create(new HostAndPort("127.0.0.1", first.port))) {
        var io = Emitter.builder(new JedisPublisher(client)).adapter(new Streams()).build();
        io.emit("before"); // the client knows where the slot is
        assertEquals(List.of("before"), events(from));
        from.del(STREAM); // a slot with keys does not move in one step
        cluster.move(JedisClusterCRC16.getSlot(STREAM), 0, 1);
        io.pipelined(pipe -> List.of("one", "two", "three").forEach(pipe::emit));
        assertEquals(List.of("one", "two", "three"), events(to));
        io.emit("behind");
        assertEquals(List.of("one", "two", "three", "behind"), events(to));
      }
    }
  }

  /** Each client of a cluster, which knows it from one of its nodes, and looks for no others. */
  private static final class Clients implements AutoCloseable {
    private final RedisClusterClient jedis;
    private final io.lettuce.core.cluster.RedisClusterClient lettuce;
    final Map<String, Publisher> publishers = new LinkedHashMap<>();

    Clients(RedisServer node) {
      var config = DefaultJedisClientConfig.builder().timeoutMillis(RedisServer.PATIENCE).build();
      jedis =
          RedisClusterClient.builder()
              .nodes(Set.of(new HostAndPort("127.0.0.1", node.port)))
              .clientConfig(config)
              .build();
      lettuce = io.lettuce.core.cluster.RedisClusterClient.create(node.url());
      lettuce.setOptions(
          ClusterClientOptions.builder()
              .validateClusterNodeMembership(true)
              .topologyRefreshOptions(
                  ClusterTopologyRefreshOptions.builder()
                      .disableAllAdaptiveRefreshTriggers()
                      .build())
              .build());
      publishers.put("Jedis", new JedisPublisher(jedis));
      publishers.put("Lettuce", new LettucePublisher(lettuce.connect(), lettuce));
    }

    @Override
    public void close() {
      jedis.close();
      lettuce.shutdown();
    }
  }

  /** Answers fetchSockets as a server of the sharded adapter with one client would. */
  private static final class Server extends JedisShardedPubSub implements AutoCloseable {
    final AtomicInteger asked = new AtomicInteger();
    private final CountDownLatch there = new CountDownLatch(1);
    private final RedisClusterClient replies;
    private final Thread thread;

    Server(RedisServer node) throws InterruptedException {
      replies = RedisClusterClient.create(new HostAndPort("127.0.0.1", node.port));
      thread =
          new Thread(
              () -> {
                try (var jedis = node.jedis()) {
                  proceed(jedis.getConnection(), REQUESTS);
                }
              });
      thread.start();
      assertTrue(there.await(RedisServer.DEADLINE.toSeconds(), TimeUnit.SECONDS));
    }

    @Override
    public void onSSubscribe(String channel, int channels) {
      there.countDown();
    }

    @Override
    public void onSMessage(String channel, String message) {
      asked.incrementAndGet();
      String id = message.replaceAll(".*'requestId':'(\\w+)'.*".replace('\'', '"'), "$1");
      String sockets = "[{'id':'s1','rooms':['s1'],'data':{},'handshake':{}}]";
      String data = "{'requestId':'" + id + "','sockets':" + sockets + "}";
      String reply = "{'uid':'server','nsp':'/','type':8,'data':" + data + "}";
      replies.spublish(REPLIES, reply.replace('\'', '"'));
    }

    @Override
    public void close() {
      sunsubscribe();
      try {
        thread.join(RedisServer.DEADLINE.toMillis());
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      replies.close();
    }
  }

  /** Moves the slot of replies from the first node to the second. */
  static void moveAway(RedisCluster cluster) {
    cluster.move(SLOT, 0, 1);
  }

  private static Emitter emitter(Publisher publisher) {
    return Emitter.builder(publisher).adapter(new Sharded()).build();
  }

  private static void asks(Emitter io) {
    var sockets = io.timeout(RedisServer.DEADLINE).fetchSockets();
    assertEquals(List.of("s1"), sockets.stream().map(Socket::id).toList());
  }

  @Test
  void questionsAndRepliesFollowTheSlot(@TempDir Path directory) throws Exception {
    try (var cluster = new RedisCluster(directory)) {
      var first = cluster.add();
      cluster.add();
      var other = cluster.add(); // which does not hear of the move, and clients ask it
      try (var server = new Server(first);
          var clients = new Clients(other)) {
        Map<String, Emitter> emitters = new LinkedHashMap<>();
        clients.publishers.forEach((name, publisher) -> emitters.put(name, emitter(publisher)));
        emitters.values().forEach(MovedSlotTest::asks);
        cluster.startMoving(SLOT, 0, 1);
        emitters.values().forEach(MovedSlotTest::asks); // Redis says ASK of keys only
        cluster.admins.get(1).clusterSetSlotStable(SLOT);
        moveAway(cluster);
        emitters.forEach(
            (name, emitter) -> {
              asks(emitter);
              int refused = refused(cluster.admins.get(0));
              asks(emitter(clients.publishers.get(name)));
              // Jedis has learned where the slot is, as Lettuce does when it is told to.
              refused += name.equals("Jedis") ? 0 : 1;
              assertEquals(refused, refused(cluster.admins.get(0)), name);
            });
        assertEquals(4 * emitters.size(), server.asked.get());
        String elsewhere = "elsewhere";
        cluster.move(JedisClusterCRC16.getSlot(elsewhere), 0, 1);
        for (Publisher publisher : clients.publishers.values()) {
          ((Subscriber) publisher).ask(Command.publish(true, elsewhere, new byte[0]));
        }
        for (Jedis admin : cluster.admins) {
          AskTest.eventually(
              () -> !admin.clientList().contains("name=" + Replies.NAME), admin::clientList);
        }
      }
    }
  }

  /** Subscribes to the channel of replies, for a moment, and returns the nodes that it followed. */
  static List<String> subscribes(Publisher publisher) {
    var confirmed = new Confirmed();
    var subscription =
        ((Subscriber) publisher).subscribe(List.of(REPLIES.getBytes(UTF_8)), true, confirmed);
    try {
      confirmed.channel.orTimeout(RedisServer.DEADLINE.toSeconds(), TimeUnit.SECONDS).join();
      return confirmed.moves;
    } finally {
      subscription.close();
    }
  }

  private static String refusal(Publisher publisher) {
    var e = assertThrows(CompletionException.class, () -> subscribes(publisher));
    return assertInstanceOf(RuntimeException.class, e.getCause()).getMessage();
  }

  @Test
  void nodeThatIsNew(@TempDir Path directory) throws Exception {
    try (var cluster = new RedisCluster(directory);
        var clients = new Clients(cluster.add());
        var unlucky = new Clients(cluster.nodes.get(0))) {
      var added = cluster.add();
      moveAway(cluster);
      for (Jedis admin : cluster.admins) { // Jedis learns nothing from a cluster with a hole
        admin.configSet("cluster-require-full-coverage", "no");
        admin.clusterDelSlots(SLOT + 1);
      }
      String address = "127.0.0.1:" + added.port;
      clients.publishers.forEach(
          (name, publisher) -> assertEquals(List.of(address), subscribes(publisher), name));
      added.close();
      unlucky.publishers.forEach(
          (name, publisher) -> {
            String message = refusal(publisher);
            assertTrue(message.startsWith("its channel has moved to " + address), message);
          });
    }
  }

  /** How often a node has refused to subscribe somebody. */
  private static int refused(Jedis admin) {
    return admin
        .info("commandstats")
        .lines()
        .filter(line -> line.startsWith("cmdstat_ssubscribe:"))
        .mapToInt(line -> Integer.parseInt(line.replaceAll(".*rejected_calls=(\\d+).*", "$1")))
        .sum();
  }

  @Test
  void nodesThatNameEachOther(@TempDir Path directory) throws Exception {
    try (var cluster = new RedisCluster(directory);
        var clients = new Clients(cluster.add())) {
      cluster.add();
      cluster.say(0, SLOT, 1);
      cluster.say(1, SLOT, 0);
      clients.publishers.forEach(
          (name, publisher) -> {
            cluster.admins.forEach(Jedis::configResetStat);
            String message = refusal(publisher);
            assertTrue(message.startsWith("MOVED " + SLOT + " 127.0.0.1:"), name + message);
            assertEquals(
                1 + Replies.MAX_MOVES,
                cluster.admins.stream().mapToInt(MovedSlotTest::refused).sum(),
                name);
          });
    }
  }

  @Test
  void nodeThatLeavesOutItsHost(@TempDir Path directory) throws Exception {
    try (var cluster = new RedisCluster(directory);
        var clients = new Clients(cluster.add())) {
      cluster.add();
      moveAway(cluster);
      cluster.admins.forEach(
          admin -> admin.configSet("cluster-preferred-endpoint-type", "unknown-endpoint"));
      subscribes(clients.publishers.get("Lettuce"));
    }
  }
}
