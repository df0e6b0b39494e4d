package io.github.sioemit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A redis-server of a test's own, on a free port. */
public final class RedisServer implements AutoCloseable {
  /** Which nothing healthy comes near to. */
  static final Duration DEADLINE = Duration.ofSeconds(60);

  /** Where it listens. */
  public final int port;

  private final Process process;

  public RedisServer(Path directory, String... options) {
    try {
      try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = free.getLocalPort();
      }
      List<String> words = new ArrayList<>();
      words.addAll(List.of("redis-server", "--bind", "127.0.0.1", "--port", "" + port));
      words.addAll(List.of("--save", "", "--dir", directory.toString()));
      words.addAll(List.of(options));
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

  @Override
  public void close() {
    process.destroy();
    process.onExit().orTimeout(DEADLINE.toSeconds(), TimeUnit.SECONDS).join();
  }
}
