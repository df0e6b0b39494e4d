package io.github.sioemit;

import java.lang.reflect.Field;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.providers.ClusterConnectionProvider;
import redis.clients.jedis.providers.ConnectionProvider;
import redis.clients.jedis.providers.PooledConnectionProvider;
import redis.clients.jedis.providers.SentineledConnectionProvider;
import redis.clients.jedis.util.JedisClusterCRC16;
import redis.clients.jedis.util.Pool;

/**
 * The pools behind a client of Jedis, which know how to open a connection with all of the client's
 * settings. Jedis shows them only here and there.
 */
final class JedisPools {
  private static final Field PROVIDER = field(UnifiedJedis.class, "provider");
  private static final Field POOL = field(SentineledConnectionProvider.class, "pool");

  private JedisPools() {}

  /** Opens a connection as a pool does, which is not in it. */
  static Connection open(Pool<?> pool) {
    Object made;
    try {
      made = pool.getFactory().makeObject().getObject();
    } catch (JedisException e) {
      throw e;
    } catch (Exception e) {
      throw new JedisConnectionException(e);
    }
    return made instanceof Jedis jedis ? jedis.getConnection() : (Connection) made;
  }

  /**
   * Returns the pool of a client, on a cluster that of the node which has the slot of a key.
   *
   * @param named the node that Redis has named for it, if it has
   */
  @SuppressWarnings("unchecked")
  static Pool<Connection> of(UnifiedJedis jedis, byte[] key, @Nullable HostAndPort named) {
    ConnectionProvider provider = provider(jedis);
    if (provider instanceof ClusterConnectionProvider cluster) {
      return named == null
          ? ofSlot(cluster, JedisClusterCRC16.getSlot(key))
          : ofNode(cluster, named);
    }
    if (provider instanceof PooledConnectionProvider pooled) {
      return pooled.getPool();
    }
    if (provider instanceof SentineledConnectionProvider) {
      return (Pool<Connection>) get(POOL, provider);
    }
    throw new UnsupportedOperationException(
        "calls with replies need a client of Jedis with one pool, by Sentinel, or of a cluster; "
            + jedis.getClass().getName()
            + " can only send");
  }

  private static Pool<Connection> ofSlot(ClusterConnectionProvider cluster, int slot) {
    HostAndPort node = cluster.getNode(slot);
    if (node == null) {
      cluster.renewSlotCache();
      node = cluster.getNode(slot);
    }
    if (node == null) {
      throw new JedisConnectionException("no node of the cluster is known to have slot " + slot);
    }
    return ofNode(cluster, node);
  }

  private static Pool<Connection> ofNode(ClusterConnectionProvider cluster, HostAndPort node) {
    Pool<Connection> pool = cluster.getNodes().get(node.toString());
    if (pool == null) {
      cluster.getConnection(node).close(); // from a pool that this makes
      pool = cluster.getNodes().get(node.toString());
    }
    if (pool == null) {
      throw new JedisConnectionException(node + " is no node of the cluster any more");
    }
    return pool;
  }

  static boolean isCluster(UnifiedJedis jedis) {
    return provider(jedis) instanceof ClusterConnectionProvider;
  }

  /** Has a cluster learn which node has which slot, from one of them if it is given. */
  static void renew(UnifiedJedis jedis, @Nullable Connection from) {
    if (provider(jedis) instanceof ClusterConnectionProvider cluster) {
      cluster.renewSlotCache(from);
    }
  }

  private static @Nullable ConnectionProvider provider(UnifiedJedis jedis) {
    return (ConnectionProvider) get(PROVIDER, jedis);
  }

  private static Field field(Class<?> type, String name) {
    try {
      Field field = type.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("an unknown version of Jedis", e);
    }
  }

  private static Object get(Field field, Object of) {
    try {
      return Objects.requireNonNull(field.get(of));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("an unknown version of Jedis", e);
    }
  }
}
