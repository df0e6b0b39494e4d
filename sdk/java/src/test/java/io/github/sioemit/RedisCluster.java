package io.github.sioemit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Protocol;

/** A Redis Cluster of a test's own. Its first node has all the slots until they are moved. */
final class RedisCluster implements AutoCloseable {
  private static final int LAST_SLOT = 16383;
  private static final int EPOCH = 100;

  final List<RedisServer> nodes = new ArrayList<>();

  /** A connection to each of them. */
  final List<Jedis> admins = new ArrayList<>();

  private final List<String> ids = new ArrayList<>();
  private final Path directory;

  RedisCluster(Path directory) {
    this.directory = directory;
  }

  /** Adds a node, and returns it when all know each other. */
  RedisServer add(String... options) throws InterruptedException {
    int number = nodes.size();
    int bus = RedisServer.freePort();
    List<String> words = new ArrayList<>(List.of(options));
    words.addAll(List.of("--cluster-enabled", "yes", "--cluster-port", "" + bus));
    words.addAll(List.of("--cluster-config-file", "node-" + number + ".conf"));
    RedisServer node = new RedisServer(directory, words.toArray(String[]::new));
    nodes.add(node);
    Jedis admin = node.jedis();
    admins.add(admin);
    ids.add(admin.clusterMyId());
    // Of its slots the others believe the first one, whatever another says.
    cluster(admin, "SET-CONFIG-EPOCH", "" + (EPOCH - number));
    if (number == 0) {
      admin.clusterAddSlotsRange(0, LAST_SLOT);
    } else {
      cluster(admins.get(0), "MEET", "127.0.0.1", "" + node.port, "" + bus);
    }
    long giveUp = System.nanoTime() + RedisServer.DEADLINE.toNanos();
    while (!admins.stream().allMatch(this::knowsAll)) {
      if (System.nanoTime() > giveUp) {
        throw new IllegalStateException("the nodes do not know each other");
      }
      Thread.sleep(10);
    }
    return node;
  }

  private static void cluster(Jedis admin, String... words) {
    admin.sendCommand(Protocol.Command.CLUSTER, words);
  }

  private boolean knowsAll(Jedis admin) {
    String known = admin.clusterNodes();
    return ids.stream().allMatch(known::contains)
        && !known.contains("handshake")
        && admin.clusterInfo().contains("cluster_state:ok");
  }

  /** Moves a slot without keys. Other nodes may hear of it, or not. */
  void move(int slot, int from, int to) {
    say(from, slot, to);
    say(to, slot, to);
  }

  /** Has a node say that this or another one has a slot. */
  void say(int node, int slot, int other) {
    admins.get(node).clusterSetSlotNode(slot, ids.get(other));
  }

  /** Begins to move a slot, which does not end. */
  void startMoving(int slot, int from, int to) {
    admins.get(to).clusterSetSlotImporting(slot, ids.get(from));
    admins.get(from).clusterSetSlotMigrating(slot, ids.get(to));
  }

  @Override
  public void close() {
    admins.forEach(Jedis::close);
    nodes.forEach(RedisServer::close);
  }
}
