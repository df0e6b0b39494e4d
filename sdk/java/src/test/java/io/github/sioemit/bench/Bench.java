package io.github.sioemit.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import io.github.sioemit.BroadcastOperator;
import io.github.sioemit.Command;
import io.github.sioemit.Emitter;
import io.github.sioemit.JedisPublisher;
import io.github.sioemit.LettucePublisher;
import io.github.sioemit.Publisher;
import io.github.sioemit.RedisServer;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.codec.ByteArrayCodec;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import redis.clients.jedis.RedisClient;

/**
 * What an emit costs beside the bare client and Jackson, in CPU time of this process, those of
 * other threads included. It starts a redis-server of its own. BENCH_JSON=FILE writes the figures
 * into a file, too, one object a line. BENCH_QUICK=1 does little of everything: a smoke test, whose
 * figures mean nothing.
 */
public final class Bench {
  private static final boolean QUICK = System.getenv("BENCH_QUICK") != null;
  private static final int EVENTS = QUICK ? 20 : 1000;
  private static final int ROUNDS = QUICK ? 1 : 15;

  /** How long each piece of work runs before it counts, so that it is compiled. */
  private static final Duration WARM_UP = QUICK ? Duration.ZERO : Duration.ofSeconds(3);

  /** How long one turn is at least: the system counts in hundredths of a second. */
  private static final Duration LEAST = Duration.ofMillis(QUICK ? 20 : 500);

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private static final Map<String, Object> ORDER = order();
  private static final String BARE = "a pipeline of ready bytes";
  private static final String BARE_ONE = "PUBLISH of ready bytes, one by one";

  private Bench() {}

  private static Map<String, Object> order() {
    Map<String, Object> user = new LinkedHashMap<>();
    user.put("id", "u_123");
    user.put("name", "Ada");
    Map<String, Object> order = new LinkedHashMap<>();
    order.put("id", 12345);
    order.put("title", "Order shipped");
    order.put("price", 19.99);
    order.put("tags", List.of("a", "b", "c"));
    order.put("user", user);
    return order;
  }

  /** Keeps what a publisher would send. */
  private static final class Kept implements Publisher {
    byte[] message = {};

    @Override
    public void send(List<Command> commands) {
      message = commands.get(0).words().get(1);
    }

    @Override
    public CompletableFuture<Void> sendAsync(List<Command> commands) {
      send(commands);
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public long subscribers(byte[] channel, boolean sharded) {
      return 0;
    }
  }

  private static double cpu(Runnable work) {
    long start = SYSTEM.getProcessCpuTime();
    long spent;
    int times = 0;
    do {
      work.run();
      times++;
      spent = SYSTEM.getProcessCpuTime() - start;
    } while (spent < LEAST.toNanos());
    return (double) spent / times / EVENTS;
  }

  /** Has both in turns, so that a busy machine slows down both. */
  private static List<Figure.Turn> turns(Runnable work, Runnable reference) {
    long end = System.nanoTime() + WARM_UP.toNanos();
    do {
      work.run();
      reference.run();
    } while (System.nanoTime() < end);
    return IntStream.range(0, ROUNDS)
        .mapToObj(round -> new Figure.Turn(cpu(work), cpu(reference)))
        .toList();
  }

  private static List<Figure> encoding() throws IOException {
    var mapper = new ObjectMapper();
    var kept = new Kept();
    BroadcastOperator target = new Emitter(kept).to("r");
    var sizes = new long[1]; // so that nothing is optimised away
    Runnable broadcast =
        () -> {
          for (int i = 0; i < EVENTS; i++) {
            target.emit("order", ORDER);
            sizes[0] += kept.message.length;
          }
        };
    Runnable jackson =
        () -> {
          for (int i = 0; i < EVENTS; i++) {
            try {
              sizes[0] += mapper.writeValueAsBytes(ORDER).length;
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    String against = "writeValueAsBytes of the argument";
    return List.of(
        Figure.time("encode a broadcast, target kept", against, turns(broadcast, jackson), 1.0));
  }

  private static byte[] channel() {
    return "socket.io#/#r#".getBytes(UTF_8);
  }

  private static byte[] message() {
    var kept = new Kept();
    new Emitter(kept).to("r").emit("order", ORDER);
    return kept.message;
  }

  private static List<Figure> contests(
      String client, Publisher publisher, Runnable bare, Runnable bareOne, Double bar) {
    var io = new Emitter(publisher);
    Runnable kept =
        () ->
            io.pipelined(
                pipe -> {
                  BroadcastOperator room = pipe.to("r");
                  for (int i = 0; i < EVENTS; i++) {
                    room.emit("order", ORDER);
                  }
                });
    Runnable each =
        () ->
            io.pipelined(
                pipe -> {
                  for (int i = 0; i < EVENTS; i++) {
                    pipe.to("r").emit("order", ORDER);
                  }
                });
    Runnable one =
        () -> {
          for (int i = 0; i < EVENTS; i++) {
            io.to("r").emit("order", ORDER);
          }
        };
    return List.of(
        Figure.rate(client, "pipeline, target kept", BARE, turns(kept, bare), bar),
        Figure.rate(client, "pipeline, io.to(room) each time", BARE, turns(each, bare), bar),
        Figure.rate(client, "io.to(room).emit, one by one", BARE_ONE, turns(one, bareOne), null));
  }

  private static List<Figure> jedis(String url) {
    byte[] channel = channel();
    byte[] message = message();
    try (var client = RedisClient.create(url)) {
      Runnable bare =
          () -> {
            try (var pipeline = client.pipelined()) {
              for (int i = 0; i < EVENTS; i++) {
                pipeline.publish(channel, message);
              }
              pipeline.sync();
            }
          };
      Runnable bareOne =
          () -> {
            for (int i = 0; i < EVENTS; i++) {
              client.publish(channel, message);
            }
          };
      return contests("jedis", new JedisPublisher(client), bare, bareOne, 0.5);
    }
  }

  private static List<Figure> lettuce(String url) {
    byte[] channel = channel();
    byte[] message = message();
    var client = io.lettuce.core.RedisClient.create(url);
    try (var connection = client.connect(ByteArrayCodec.INSTANCE);
        var ours = client.connect()) {
      var commands = connection.async();
      Runnable bare =
          () -> {
            connection.setAutoFlushCommands(false);
            RedisFuture<?>[] sent = new RedisFuture<?>[EVENTS];
            for (int i = 0; i < EVENTS; i++) {
              sent[i] = commands.publish(channel, message);
            }
            connection.flushCommands();
            if (!LettuceFutures.awaitAll(Duration.ofMinutes(1), sent)) {
              throw new IllegalStateException("Redis does not answer");
            }
            connection.setAutoFlushCommands(true);
          };
      Runnable bareOne =
          () -> {
            for (int i = 0; i < EVENTS; i++) {
              connection.sync().publish(channel, message);
            }
          };
      return contests("lettuce", new LettucePublisher(ours), bare, bareOne, 0.5);
    } finally {
      client.shutdown();
    }
  }

  private static String line(List<String> row, List<Integer> widths) {
    return IntStream.range(0, row.size())
        .mapToObj(i -> row.get(i) + " ".repeat(widths.get(i) - row.get(i).length()))
        .collect(Collectors.joining("  "))
        .stripTrailing();
  }

  public static void main(String[] args) throws Exception {
    List<Figure> figures = new ArrayList<>(encoding());
    Path directory = Files.createTempDirectory("sioemit-bench");
    try (var redis = new RedisServer(directory)) {
      figures.addAll(jedis(redis.url()));
      figures.addAll(lettuce(redis.url()));
    }
    Files.delete(directory);
    List<List<String>> table = new ArrayList<>(List.of(Figure.HEAD));
    figures.forEach(figure -> table.add(figure.row()));
    List<Integer> widths =
        IntStream.range(0, Figure.HEAD.size())
            .map(i -> table.stream().mapToInt(row -> row.get(i).length()).max().orElse(0))
            .boxed()
            .toList();
    table.forEach(row -> System.out.println(line(row, widths)));
    if (System.getenv("BENCH_JSON") != null) {
      var lines = new StringBuilder();
      for (Figure figure : figures) {
        lines.append(new ObjectMapper().writeValueAsString(figure)).append('\n');
      }
      Files.writeString(Path.of(System.getenv("BENCH_JSON")), lines);
    }
  }
}
