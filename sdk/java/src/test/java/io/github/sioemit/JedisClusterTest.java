package io.github.sioemit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.util.JedisClusterCRC16;

/** A Redis Cluster whose slots move. */
@NullUnmarked
class JedisClusterTest {
  private static final String STREAM = "socket.io";
  private static final int LAST_SLOT = 16383;

  private static RedisServer node(Path directory, String config) {
    return new RedisServer(
        directory, "--cluster-enabled", "yes", "--cluster-config-file", config + ".conf");
  }

  /** Returns when both nodes know that the one has all the slots. */
  private static void join(Jedis one, Jedis other, int port) {
    one.clusterAddSlotsRange(0, LAST_SLOT);
    other.clusterMeet("127.0.0.1", port);
    long giveUp = System.nanoTime() + RedisServer.DEADLINE.toNanos();
    while (!(other.clusterInfo().contains("cluster_state:ok")
        && one.clusterInfo().contains("cluster_known_nodes:2"))) {
      if (System.nanoTime() > giveUp) {
        throw new IllegalStateException("the nodes do not know each other");
      }
      Thread.onSpinWait();
    }
  }

  private static List<String> events(Jedis node) {
    return node.xrange(STREAM, (StreamEntryID) null, null).stream()
        .map(entry -> entry.getFields().get("data").replaceAll(".*\"data\":\\[\"(\\w+)\".*", "$1"))
        .toList();
  }

  @Test
  void pipelineFollowsTheSlot(@TempDir Path directory) {
    try (var first = node(directory, "first");
        var second = node(directory, "second");
        var from = new Jedis("127.0.0.1", first.port);
        var to = new Jedis("127.0.0.1", second.port)) {
      join(from, to, first.port);
      try (var client = RedisClusterClient.create(new HostAndPort("127.0.0.1", first.port))) {
        var io = Emitter.builder(new JedisPublisher(client)).adapter(new Streams()).build();
        io.emit("before"); // the client knows where the slot is
        assertEquals(List.of("before"), events(from));
        from.del(STREAM); // a slot with keys does not move in one step
        for (Jedis node : List.of(to, from)) {
          node.clusterSetSlotNode(JedisClusterCRC16.getSlot(STREAM), to.clusterMyId());
        }
        io.pipelined(pipe -> List.of("one", "two", "three").forEach(pipe::emit));
        assertEquals(List.of("one", "two", "three"), events(to));
        io.emit("behind");
        assertEquals(List.of("one", "two", "three", "behind"), events(to));
      }
    }
  }
}
