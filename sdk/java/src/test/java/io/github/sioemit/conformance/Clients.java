package io.github.sioemit.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.sioemit.JedisPublisher;
import io.github.sioemit.LettucePublisher;
import io.github.sioemit.Publisher;
import io.github.sioemit.Subscriber;
import io.lettuce.core.RedisClient;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClusterClient;

/** The connections of a driver, which are kept. */
final class Clients {
  private final boolean lettuce;
  private boolean warm;
  private final Map<String, Publisher> publishers = new HashMap<>();
  private final List<Runnable> ends = new ArrayList<>();

  Clients(boolean lettuce) {
    this.lettuce = lettuce;
  }

  Publisher publisher(String url, boolean cluster) {
    return publishers.computeIfAbsent(
        url + cluster,
        where -> {
          Publisher publisher = connect(url, cluster);
          warmUp((Subscriber) publisher);
          return publisher;
        });
  }

  private Publisher connect(String url, boolean cluster) {
    if (lettuce) {
      return cluster ? lettuceCluster(url) : lettuce(url);
    }
    return cluster ? jedisCluster(URI.create(url)) : jedis(URI.create(url));
  }

  /** Cases have 400 ms, of which a busy machine needs more to load the classes for the first. */
  private void warmUp(Subscriber subscriber) {
    if (warm) {
      return;
    }
    warm = true;
    var there = new CompletableFuture<Void>();
    var subscription =
        subscriber.subscribe(
            List.of("warm".getBytes(UTF_8)),
            false,
            new Subscriber.Receiver() {
              @Override
              public void confirmed(byte[] channel) {
                there.complete(null);
              }

              @Override
              public void received(byte[] message) {}

              @Override
              public void ended(Throwable why) {
                there.complete(null);
              }
            });
    there.join();
    subscription.close();
  }

  private Publisher jedis(URI url) {
    var client =
        redis.clients.jedis.RedisClient.builder()
            .hostAndPort(new HostAndPort(url.getHost(), url.getPort()))
            .clientConfig(config(url))
            .build();
    ends.add(client::close);
    return new JedisPublisher(client);
  }

  private Publisher jedisCluster(URI url) {
    var client =
        RedisClusterClient.builder()
            .nodes(Set.of(new HostAndPort(url.getHost(), url.getPort())))
            .clientConfig(config(url))
            .build();
    ends.add(client::close);
    return new JedisPublisher(client);
  }

  /** A busy machine gets a minute, where Jedis gives two seconds. */
  private static DefaultJedisClientConfig config(URI url) {
    var config = DefaultJedisClientConfig.builder().timeoutMillis(60_000);
    if (url.getUserInfo() != null) {
      String[] user = url.getUserInfo().split(":", 2);
      config.user(user[0].isEmpty() ? null : user[0]).password(user[1]);
    }
    return config.build();
  }

  private Publisher lettuce(String url) {
    var client = RedisClient.create(url);
    ends.add(client::shutdown);
    return new LettucePublisher(client.connect(), client);
  }

  private Publisher lettuceCluster(String url) {
    var client = io.lettuce.core.cluster.RedisClusterClient.create(url);
    ends.add(client::shutdown);
    return new LettucePublisher(client.connect(), client);
  }

  void close() {
    ends.forEach(Runnable::run);
  }
}
