package io.github.sioemit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.Jedis;

/** A redis-server of a test's own, on a free port. */
public final class RedisServer implements AutoCloseable {
  /** Which nothing healthy comes near to. */
  static final Duration DEADLINE = Duration.ofSeconds(60);

  /** The same in milliseconds. Jedis has two seconds, which a busy machine may need. */
  static final int PATIENCE = (int) DEADLINE.toMillis();

  /** Where it listens. */
  public final int port;

  private final Process process;

  public RedisServer(Path directory, String... options) {
    this(directory, List.of("redis-server", "--save", ""), List.of(options));
  }

  private RedisServer(Path directory, List<String> program, List<String> options) {
    try {
      port = freePort();
      List<String> words = new ArrayList<>(program);
      words.addAll(List.of("--bind", "127.0.0.1", "--port", "" + port));
      words.addAll(List.of("--dir", directory.toString()));
      words.addAll(options);
      process =
          new ProcessBuilder(words)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      awaitListening();
    } catch (IOException e) {
      throw new UncheckedIOException("the tests need redis-server", e);
    }
  }

  static int freePort() {
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts a Sentinel that watches a server, which it calls "mymaster". */
  static RedisServer sentinel(Path directory, RedisServer master) throws IOException {
    Path config = directory.resolve("sentinel.conf");
    Files.writeString(config, "sentinel monitor mymaster 127.0.0.1 " + master.port + " 1\n");
    return new RedisServer(
        directory, List.of("redis-server", config.toString(), "--sentinel"), List.of());
  }

  private void awaitListening() {
    long giveUp = System.nanoTime() + DEADLINE.toNanos();
    while (true) {
      try {
        new Socket(InetAddress.getLoopbackAddress(), port).close();
        return;
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() > giveUp) {
          close();
          throw new IllegalStateException("redis-server does not listen", e);
        }
        Thread.onSpinWait();
      }
    }
  }

  public String url() {
    return "redis://127.0.0.1:" + port;
  }

  /** Connects to it. */
  Jedis jedis() {
    return new Jedis("127.0.0.1", port, PATIENCE);
  }

  @Override
  public void close() {
    process.destroy();
    process.onExit().orTimeout(DEADLINE.toSeconds(), TimeUnit.SECONDS).join();
  }
}
