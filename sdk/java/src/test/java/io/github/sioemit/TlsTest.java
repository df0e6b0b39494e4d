package io.github.sioemit;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.RedisClient;

/** Calls with replies over TLS: their connection has the settings of the client. */
@SuppressWarnings("deprecation") // people still have a JedisPool
@NullUnmarked
class TlsTest {
  private static final String USER = "app";
  private static final String PASSWORD = "changeit";

  /** Makes a certificate for 127.0.0.1 and its key, in a store and as files for Redis. */
  private static KeyStore certificate(Path directory) throws Exception {
    Path file = directory.resolve("store");
    var keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "redis",
                "-keyalg",
                "EC",
                "-dname",
                "CN=redis",
                "-ext",
                "san=ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD,
                "-keystore",
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertEquals(0, keytool.waitFor());
    KeyStore store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
    pem(directory, "CERTIFICATE", store.getCertificate("redis").getEncoded());
    pem(directory, "PRIVATE KEY", store.getKey("redis", PASSWORD.toCharArray()).getEncoded());
    return store;
  }

  private static void pem(Path directory, String name, byte[] content) throws Exception {
    String text = Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(content);
    Files.writeString(
        directory.resolve(name),
        "-----BEGIN " + name + "-----\n" + text + "\n-----END " + name + "-----\n");
  }

  /** Returns what trusts that certificate, and no other. */
  private static KeyStore trusted(KeyStore from) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("redis", from.getCertificate("redis"));
    return trusted;
  }

  /** What makes clients trust that certificate. */
  private record Trust(SSLContext context, SslOptions options) {
    static Trust in(Path directory) throws Exception {
      KeyStore trusted = trusted(certificate(directory));
      Path file = directory.resolve("trusted");
      try (var out = Files.newOutputStream(file)) {
        trusted.store(out, PASSWORD.toCharArray());
      }
      var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      var context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return new Trust(context, SslOptions.builder().truststore(file.toFile(), PASSWORD).build());
    }

    DefaultJedisClientConfig.Builder jedis() {
      return DefaultJedisClientConfig.builder()
          .timeoutMillis(RedisServer.PATIENCE)
          .ssl(true)
          .sslSocketFactory(context.getSocketFactory());
    }
  }

  /** Returns the options of a Redis with that certificate, which its cluster trusts, too. */
  private static String[] onPort(int port, Path directory) {
    String certificate = directory.resolve("CERTIFICATE").toString();
    return new String[] {
      "--tls-port",
      "" + port,
      "--tls-cert-file",
      certificate,
      "--tls-key-file",
      directory.resolve("PRIVATE KEY").toString(),
      "--tls-auth-clients",
      "no",
      "--tls-cluster",
      "yes",
      "--tls-ca-cert-file",
      certificate
    };
  }

  @Test
  void eachClient(@TempDir Path directory) throws Exception {
    Trust trust = Trust.in(directory);
    int port = RedisServer.freePort();
    var where = new HostAndPort("127.0.0.1", port);
    var config = trust.jedis().build();
    var lettuce =
        io.lettuce.core.RedisClient.create(
            RedisURI.builder().withHost("127.0.0.1").withPort(port).withSsl(true).build());
    lettuce.setOptions(ClientOptions.builder().sslOptions(trust.options).build());
    try (var server = new RedisServer(directory, onPort(port, directory));
        var asked = new AskedServer(server.port);
        var client = RedisClient.builder().hostAndPort(where).clientConfig(config).build();
        var pool = new JedisPool(where, config)) {
      for (Publisher publisher :
          List.of(
              new JedisPublisher(client),
              new JedisPublisher(pool),
              new LettucePublisher(lettuce.connect(), lettuce))) {
        AskTest.asks(publisher);
        BroadcastOperator io = new Emitter(publisher).timeout(RedisServer.DEADLINE);
        assertEquals(1, io.confirm());
        io.emit("ev");
        assertEquals(1, io.confirm());
      }
      assertEquals(3, asked.events.get());
    } finally {
      lettuce.shutdown();
    }
  }

  /** The node that Redis names is reached as the client reaches the others, and as its user. */
  @Test
  void slotThatHasMoved(@TempDir Path directory) throws Exception {
    Trust trust = Trust.in(directory);
    int port = RedisServer.freePort();
    var config = trust.jedis().user(USER).password(PASSWORD).build();
    var lettuce =
        RedisClusterClient.create(
            RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(port)
                .withSsl(true)
                .withAuthentication(USER, PASSWORD)
                .build());
    lettuce.setOptions(ClusterClientOptions.builder().sslOptions(trust.options).build());
    try (var cluster = new RedisCluster(directory)) {
      cluster.add(onPort(port, directory));
      cluster.add(onPort(RedisServer.freePort(), directory));
      for (Jedis admin : cluster.admins) {
        admin.aclSetUser(USER, "on", ">" + PASSWORD, "+@all", "~*", "&*");
        admin.aclSetUser("default", "-ssubscribe");
      }
      try (var jedis =
          redis.clients.jedis.RedisClusterClient.builder()
              .nodes(Set.of(new HostAndPort("127.0.0.1", port)))
              .clientConfig(config)
              .build()) {
        var publishers =
            List.of(new JedisPublisher(jedis), new LettucePublisher(lettuce.connect(), lettuce));
        MovedSlotTest.moveAway(cluster);
        publishers.forEach(MovedSlotTest::subscribes);
      }
    } finally {
      lettuce.shutdown();
    }
  }
}
