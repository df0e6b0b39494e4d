package io.github.sioemit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.NullUnmarked;

/** Ends connections between a PUBLISH, which Redis gets, and its answer, which nobody gets. */
@NullUnmarked
final class CuttingProxy implements AutoCloseable {
  /** How many it has still to end. */
  final AtomicInteger cuts = new AtomicInteger();

  final int port;
  private final ServerSocket server;
  private final Set<Socket> sockets = Collections.synchronizedSet(new HashSet<>());
  private volatile int target;

  CuttingProxy() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    port = server.getLocalPort();
  }

  /** Begins to pass connections on. */
  CuttingProxy to(int redis) {
    target = redis;
    start(this::accept);
    return this;
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = server.accept();
        Socket redis = new Socket(InetAddress.getLoopbackAddress(), target);
        sockets.add(client);
        sockets.add(redis);
        new Passed(client, redis).start();
      }
    } catch (IOException e) {
      return; // it was closed
    }
  }

  /** One connection. */
  private final class Passed {
    private final Socket client;
    private final Socket redis;
    private volatile boolean cut;

    Passed(Socket client, Socket redis) {
      this.client = client;
      this.redis = redis;
    }

    void start() {
      CuttingProxy.start(() -> pass(client, redis, true));
      CuttingProxy.start(() -> pass(redis, client, false));
    }

    private void pass(Socket from, Socket to, boolean asks) {
      byte[] buffer = new byte[1 << 16];
      try (from;
          to) {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int size = in.read(buffer); size > 0; size = in.read(buffer)) {
          if (asks
              && new String(buffer, 0, size, ISO_8859_1).contains("PUBLISH\r\n")
              && cuts.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            cut = true;
          }
          if (cut && !asks) {
            return;
          }
          out.write(buffer, 0, size);
        }
      } catch (IOException e) {
        return; // one of both has ended
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : Set.copyOf(sockets)) {
      socket.close();
    }
  }
}
