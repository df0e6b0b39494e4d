package io.github.sioemit.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.sioemit.AskException;
import io.github.sioemit.BroadcastOperator;
import io.github.sioemit.Codec;
import io.github.sioemit.Emitter;
import io.github.sioemit.IncompleteException;
import io.github.sioemit.Python;
import io.github.sioemit.Sharded;
import io.github.sioemit.SioemitException;
import io.github.sioemit.Streams;
import io.github.sioemit.SubscriptionMode;
import io.lettuce.core.RedisException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import redis.clients.jedis.exceptions.JedisException;

/** The driver of the conformance suite: it reads calls as lines of JSON, and makes them. */
public final class Driver {
  private static final List<String> VARIANTS =
      List.of("jedis", "jedis-async", "lettuce", "lettuce-async");
  private static final List<String> FEATURES =
      List.of(
          "classic",
          "sharded",
          "streams",
          "python",
          "cluster",
          "pipeline",
          "server-count",
          "numbers",
          "replies",
          "together",
          "confirm");
  private static final Set<String> QUESTIONS =
      Set.of("emitWithAck", "serverSideEmitWithAck", "fetchSockets", "rooms", "confirm");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final boolean asynchronous;
  private final Clients clients;

  private Driver(String variant) {
    asynchronous = variant.endsWith("-async");
    clients = new Clients(variant.startsWith("lettuce"));
  }

  public static void main(String[] args) throws Exception {
    if (args.length != 1 || !(args[0].equals("--list") || VARIANTS.contains(args[0]))) {
      System.err.println("usage: run --list, or run VARIANT, one of " + VARIANTS);
      System.exit(2);
    }
    var out = new PrintStream(System.out, true, UTF_8);
    if (args[0].equals("--list")) {
      VARIANTS.forEach(out::println);
      return;
    }
    String version = System.getProperty("sioemit.version", "unknown");
    out.println(
        JSON.writeValueAsString(
            Map.of(
                "language", "java", "variant", args[0], "version", version, "features", FEATURES)));
    var driver = new Driver(args[0]);
    var in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode call = JSON.readTree(line);
      ObjectNode answer = driver.answer(call);
      answer.set("id", call.get("id"));
      out.println(JSON.writeValueAsString(answer));
    }
    driver.clients.close();
  }

  private ObjectNode answer(JsonNode line) {
    return answer(() -> call(line));
  }

  private static ObjectNode answer(Supplier<Object> call) {
    ObjectNode answer = JSON.createObjectNode();
    try {
      Object result = call.get();
      answer.put("ok", true);
      if (result != null) {
        answer.set("result", JSON.valueToTree(result));
      }
    } catch (IncompleteException e) {
      answer.put("error", e.reason().toString()).put("message", e.getMessage());
      if (!e.call().equals("confirm")) {
        answer.set("result", JSON.valueToTree(Answers.of(e.partial())));
      }
      answer
          .putObject("missing")
          .put("servers", e.servers())
          .put("asked", e.asked())
          .put("clients", e.clients())
          .put("expected", e.expected())
          .put("unread", e.unread());
    } catch (AskException e) {
      answer.put("error", e.reason().toString()).put("message", e.getMessage());
    } catch (SioemitException e) {
      answer.put("error", e.reason().toString()).put("message", e.getMessage());
    } catch (JedisException | RedisException e) {
      answer.put("error", "redis").put("message", e.getMessage());
    } catch (RuntimeException | Error e) { // the suite has to see it
      answer.put("error", "unknown").put("message", e.toString());
    }
    return answer;
  }

  private Object call(JsonNode line) {
    Emitter io =
        emitter(
            Emitter.builder(
                clients.publisher(
                    line.get("redis").textValue(), line.path("cluster").booleanValue())),
            line.path("options"));
    if (line.has("sequence")) {
      List<ObjectNode> answers = new ArrayList<>();
      line.get("sequence").forEach(step -> answers.add(answer(() -> call(io, step))));
      return answers;
    }
    return line.has("together") ? together(io, line.get("together")) : call(io, line);
  }

  /** Makes one call, or those of one pipeline. */
  private Object call(Emitter io, JsonNode line) {
    if (line.has("pipeline")) {
      var given = new AtomicReference<BroadcastOperator>();
      pipelined(
          io,
          pipe -> {
            given.set(pipe);
            line.get("pipeline").forEach(step -> make(pipe, step));
          });
      return line.has("after") ? make(given.get(), line.get("after")) : null;
    }
    String name = line.get("call").get(0).textValue();
    if (QUESTIONS.contains(name)) {
      return ask(io, line, asynchronous);
    }
    // What holds binary is sent when servers have said that they read it, outside of a pipeline.
    if (!asynchronous || name.equals("serverCount") || name.equals("serverSideEmit")) {
      return make(io, line);
    }
    if (name.equals("emit")) {
      BroadcastOperator target = target(io, line);
      String event = line.get("call").get(1).textValue();
      wait(target.emitAsync(event, args(line.get("call"), 2).toArray()));
    } else {
      pipelined(io, pipe -> make(pipe, line));
    }
    return null;
  }

  /** Makes calls at the same time, the blocking ones on threads. */
  private List<ObjectNode> together(Emitter io, JsonNode steps) {
    List<CompletableFuture<ObjectNode>> answers = new ArrayList<>();
    for (JsonNode step : steps) {
      var answer = new CompletableFuture<ObjectNode>();
      answers.add(answer);
      new Thread(() -> answer.complete(answer(() -> ask(io, step, asynchronous)))).start();
    }
    return answers.stream().map(CompletableFuture::join).toList();
  }

  private static Object ask(BroadcastOperator io, JsonNode step, boolean asynchronous) {
    BroadcastOperator target = target(io, step);
    JsonNode call = step.get("call");
    String event = call.path(1).textValue();
    Object[] args = call.size() < 2 ? new Object[0] : args(call, 2).toArray();
    Object result =
        switch (call.get(0).textValue()) {
          case "emitWithAck" ->
              asynchronous
                  ? wait(target.emitWithAckAsync(event, args))
                  : target.emitWithAck(event, args);
          case "serverSideEmitWithAck" ->
              asynchronous
                  ? wait(target.serverSideEmitWithAckAsync(event, args))
                  : target.serverSideEmitWithAck(event, args);
          case "fetchSockets" ->
              asynchronous ? wait(target.fetchSocketsAsync()) : target.fetchSockets();
          case "confirm" -> asynchronous ? wait(target.confirmAsync()) : target.confirm();
          default -> asynchronous ? wait(target.roomsAsync()) : target.rooms();
        };
    return Answers.of(result);
  }

  private void pipelined(Emitter io, Consumer<BroadcastOperator> block) {
    if (asynchronous) {
      wait(io.pipelinedAsync(block));
    } else {
      io.pipelined(block);
    }
  }

  private static <T> T wait(CompletableFuture<T> sent) {
    try {
      return sent.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private static BroadcastOperator target(BroadcastOperator io, JsonNode step) {
    BroadcastOperator target = io;
    for (JsonNode link : step.path("chain")) {
      String name = link.get(0).textValue();
      target =
          switch (name) {
            case "of" -> target.of(link.get(1).textValue());
            case "to" -> target.to(args(link, 1));
            case "in" -> target.in(args(link, 1));
            case "except" -> target.except(args(link, 1));
            case "timeout" -> target.timeout(Duration.ofMillis(link.get(1).longValue()));
            case "volatile" -> target.asVolatile();
            case "compress" -> target.compress(link.get(1).booleanValue());
            default -> throw new IllegalArgumentException("no " + name);
          };
    }
    return target;
  }

  private static Object make(BroadcastOperator io, JsonNode step) {
    BroadcastOperator target = target(io, step);
    JsonNode call = step.get("call");
    String name = call.get(0).textValue();
    if (QUESTIONS.contains(name)) {
      return ask(io, step, false);
    }
    switch (name) {
      case "emit" -> target.emit(call.get(1).textValue(), args(call, 2).toArray());
      case "serverSideEmit" ->
          target.serverSideEmit(call.get(1).textValue(), args(call, 2).toArray());
      case "socketsJoin" -> target.socketsJoin(args(call, 1));
      case "socketsLeave" -> target.socketsLeave(args(call, 1));
      case "disconnectSockets" -> target.disconnectSockets(call.path(1).booleanValue());
      case "serverCount" -> {
        return target.serverCount();
      }
      default -> throw new IllegalArgumentException("no " + name);
    }
    return null;
  }

  private static Emitter emitter(Emitter.Builder builder, JsonNode options) {
    if (options.has("key")) {
      builder.key(options.get("key").textValue());
    }
    if (options.has("serverVersion")) {
      builder.serverVersion(options.get("serverVersion").intValue());
    }
    if (options.has("codec")) {
      builder.codec(
          options.get("codec").textValue().equals("json") ? Codec.JSON : Codec.MESSAGEPACK);
    }
    if (options.has("maxAttachments")) {
      builder.maxAttachments(options.get("maxAttachments").intValue());
    }
    if (options.has("socketIds")) {
      builder.socketIds(Pattern.compile(options.get("socketIds").textValue()));
    }
    switch (options.path("adapter").asText("classic")) {
      case "sharded" -> builder.adapter(sharded(options));
      case "streams" -> builder.adapter(streams(options));
      case "python" -> builder.adapter(python(options));
      default -> {}
    }
    return builder.build();
  }

  private static Sharded sharded(JsonNode options) {
    var adapter = new Sharded();
    if (options.has("channelPrefix")) {
      adapter = adapter.channelPrefix(options.get("channelPrefix").textValue());
    }
    if (options.has("subscriptionMode")) {
      String mode = options.get("subscriptionMode").textValue();
      adapter = adapter.subscriptionMode(SubscriptionMode.of(mode));
    }
    return adapter;
  }

  private static Streams streams(JsonNode options) {
    var adapter = new Streams();
    if (options.has("streamName")) {
      adapter = adapter.streamName(options.get("streamName").textValue());
    }
    if (options.has("streamCount")) {
      adapter = adapter.streamCount(options.get("streamCount").intValue());
    }
    if (options.has("maxLen")) {
      adapter = adapter.maxLen(options.get("maxLen").longValue());
    }
    if (options.has("channelPrefix")) {
      adapter = adapter.channelPrefix(options.get("channelPrefix").textValue());
    }
    if (options.has("useShardedPubSub")) {
      adapter = adapter.useShardedPubSub(options.get("useShardedPubSub").booleanValue());
    }
    return adapter;
  }

  private static Python python(JsonNode options) {
    var adapter = new Python();
    if (options.has("channel")) {
      adapter = adapter.channel(options.get("channel").textValue());
    }
    if (options.has("allowBinary")) {
      adapter = adapter.allowBinary(options.get("allowBinary").booleanValue());
    }
    return adapter;
  }

  private static List<Object> args(JsonNode words, int from) {
    List<Object> args = new ArrayList<>();
    for (int i = from; i < words.size(); i++) {
      args.add(Values.of(words.get(i)));
    }
    return args;
  }
}
