package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.sioemit.Listener.Binary;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import redis.clients.jedis.RedisClient;

/** What an emitter does, whatever its Redis client. */
@ExtendWith(RedisExtension.class)
@NullUnmarked
class EmitterTest {
  private static RedisClient redis;
  private static Publisher publisher;
  private static Emitter io;

  @BeforeAll
  static void connect(RedisServer server) {
    redis = RedisClient.create(server.url());
    publisher = new JedisPublisher(redis);
    io = new Emitter(publisher);
  }

  @AfterAll
  static void disconnect() {
    redis.close();
  }

  private static void refused(Reason reason, Runnable call) {
    assertEquals(reason, assertThrows(SioemitException.class, call::run).reason());
  }

  @Test
  void emit(Listener listener) {
    io.of("admin")
        .to("a", "b")
        .in("a")
        .except("c")
        .asVolatile()
        .compress(false)
        .emit("ev", 1, Map.of("b", new byte[] {-1}), null);
    var message = listener.next();
    assertEquals("socket.io#/admin#", message.channel());
    assertEquals(Arrays.asList("ev", 1L, Map.of("b", new Binary((byte) -1)), null), message.data());
    assertEquals(
        Map.of(
            "rooms", List.of("a", "b"),
            "flags", Map.of("volatile", true, "compress", false),
            "except", List.of("c")),
        message.options());
  }

  @Test
  void targetNeverChanges(Listener listener) {
    BroadcastOperator room = io.to("a");
    for (BroadcastOperator other :
        List.of(
            room.to("b"),
            room.except("c"),
            room.of("/x"),
            room.asVolatile(),
            room.compress(true))) {
      assertNotSame(room, other);
    }
    room.emit("ev");
    io.emit("ev");
    assertEquals(List.of("a"), listener.next().options().get("rooms"));
    assertEquals(
        Map.of("rooms", List.of(), "flags", Map.of(), "except", List.of()),
        listener.next().options());
  }

  @Test
  void roomsThatAreNumbers(Listener listener) {
    Map<BroadcastOperator, List<Object>> sent = new HashMap<>();
    sent.put(io.to(5), List.of(5L));
    sent.put(io.in(5.0, 5, 1.5, 0.1f), List.of(5L, 1.5, 0.1));
    sent.put(io.to(List.of(5, "5")), List.of(5L, "5"));
    sent.put(io.in(List.of(-0.0, 1e21)), List.of(0L, 1e21));
    sent.put(io.to(Long.MAX_VALUE), List.of(0x1p63));
    sent.forEach(
        (target, rooms) -> {
          target.emit("ev");
          var message = listener.next();
          assertEquals("socket.io#/#", message.channel());
          assertEquals(rooms, message.options().get("rooms"));
        });
    io.to("5").except(6).emit("ev");
    var message = listener.next();
    assertEquals("socket.io#/#5#", message.channel());
    assertEquals(List.of(6L), message.options().get("except"));
    io.socketsJoin(7);
    assertEquals(List.of(7), listener.next().request().get("rooms"));
    io.socketsLeave(8, 8.5);
    assertEquals(List.of(8, 8.5), listener.next().request().get("rooms"));
    refused(Reason.INVALID_TEXT, () -> io.to(Double.NaN));
    refused(Reason.INVALID_TEXT, () -> io.to(Float.POSITIVE_INFINITY));
    assertThrows(IllegalArgumentException.class, () -> io.to(List.of(new Object())));
  }

  /** What Java's own types let pass. */
  @Test
  void nullIsNoName(Listener listener) {
    assertThrows(NullPointerException.class, () -> io.emit(null));
    assertThrows(NullPointerException.class, () -> io.emitAsync(null, 1).join());
    assertThrows(NullPointerException.class, () -> io.serverSideEmit(null));
    assertThrows(NullPointerException.class, () -> io.to((String) null));
    assertThrows(NullPointerException.class, () -> io.except(Collections.singletonList(null)));
    assertThrows(NullPointerException.class, () -> io.of(null));
    assertThrows(NullPointerException.class, () -> new Emitter(null));
    refused(Reason.EMPTY_ROOM, () -> io.to(new String[0]));
    refused(Reason.EMPTY_ROOM, () -> io.to(new Number[0]));
    io.emit("ev", (Object[]) null);
    assertEquals(Collections.singletonList(null), listener.args());
  }

  @Test
  void requests(Listener listener) {
    io.to("r").socketsJoin("a", "b");
    io.except("x").socketsLeave(List.of("a", "a"));
    io.disconnectSockets();
    io.of("/n").disconnectSockets(true);
    io.serverSideEmit("ping", 1, Map.of("a", List.of()));
    var join = listener.next();
    assertEquals("socket.io-request#/#", join.channel());
    assertEquals(
        Map.of(
            "type", 2,
            "opts", Map.of("rooms", List.of("r"), "except", List.of()),
            "rooms", List.of("a", "b")),
        join.request());
    assertEquals(List.of("a"), listener.next().request().get("rooms"));
    assertEquals(false, listener.next().request().get("close"));
    var disconnect = listener.next();
    assertEquals("socket.io-request#/n#", disconnect.channel());
    assertEquals(true, disconnect.request().get("close"));
    assertEquals(
        Map.of("uid", "emitter", "type", 6, "data", List.of("ping", 1, Map.of("a", List.of()))),
        listener.next().request());
  }

  @Test
  void nothingIsSentWhenTheBlockOfPipelineThrows(Listener listener) {
    List<CompletableFuture<Void>> lost = new ArrayList<>();
    refused(
        Reason.RESERVED_EVENT,
        () ->
            io.pipelined(
                pipe -> {
                  lost.add(pipe.emitAsync("lost"));
                  pipe.emit("connect");
                }));
    assertTrue(lost.get(0).isCompletedExceptionally());
    assertThrows(
        IllegalStateException.class,
        () ->
            io.pipelinedAsync(
                pipe -> {
                  pipe.emit("lost");
                  throw new IllegalStateException();
                }));
    io.pipelined(pipe -> {});
    io.pipelinedAsync(pipe -> {}).join();
    io.emit("next");
    assertEquals(List.of("next"), listener.next().data());
  }

  @Test
  void futuresOfPipelineFailWhenThePublisherThrows() {
    var broken =
        new Emitter(
            new Publisher() {
              @Override
              public void send(List<Command> commands) {
                throw new IllegalStateException("broken");
              }

              @Override
              public CompletableFuture<Void> sendAsync(List<Command> commands) {
                throw new IllegalStateException("broken");
              }

              @Override
              public long subscribers(byte[] channel, boolean sharded) {
                return 0;
              }
            });
    List<CompletableFuture<Void>> sent = new ArrayList<>();
    Consumer<BroadcastOperator> block = pipe -> sent.add(pipe.emitAsync("ev"));
    assertThrows(IllegalStateException.class, () -> broken.pipelined(block));
    assertThrows(IllegalStateException.class, () -> broken.pipelinedAsync(block));
    assertEquals(2, sent.size());
    sent.forEach(future -> assertTrue(future.isCompletedExceptionally()));
  }

  @Test
  void pipelineKeepsItsOrder(Listener listener) {
    Consumer<BroadcastOperator> block =
        pipe -> {
          for (int i = 0; i < 1000; i++) {
            pipe.to("r").emit("number", i);
          }
          pipe.socketsJoin("a");
          pipe.socketsLeave("b");
          pipe.disconnectSockets(true);
          pipe.serverSideEmit("ping");
        };
    io.pipelined(block);
    io.pipelinedAsync(block).join();
    for (int round = 0; round < 2; round++) {
      for (long i = 0; i < 1000; i++) {
        assertEquals(List.of(i), listener.args());
      }
      for (int type : List.of(2, 3, 4, 6)) {
        assertEquals(type, listener.next().request().get("type"));
      }
    }
  }

  @Test
  void pipelineEndsWithItsBlock(Listener listener) {
    List<BroadcastOperator> kept = new ArrayList<>();
    List<CompletableFuture<Void>> sent = new ArrayList<>();
    io.pipelined(
        pipe -> {
          kept.add(pipe);
          kept.add(pipe.to("r"));
          sent.add(pipe.emitAsync("ev", 1));
          assertFalse(sent.get(0).isDone());
        });
    assertNull(sent.get(0).join());
    assertEquals(List.of(1L), listener.args());
    for (BroadcastOperator late : kept) {
      refused(Reason.PIPELINE_ENDED, () -> late.emit("lost"));
      refused(Reason.PIPELINE_ENDED, () -> late.emitAsync("lost").join());
    }
  }

  @Test
  void whatIsWrongWithAnAsynchronousCallIsThrown() {
    refused(Reason.RESERVED_EVENT, () -> io.emitAsync("disconnect").isDone());
    refused(Reason.UNENCODABLE, () -> io.emitAsync("ev", Double.NaN).isDone());
  }

  @Test
  void threads(Listener listener) throws Exception {
    BroadcastOperator room = io.to("r");
    ExecutorService pool = Executors.newFixedThreadPool(8);
    var start = new CyclicBarrier(8);
    List<Future<?>> all = new ArrayList<>();
    for (int t = 0; t < 8; t++) {
      int thread = t;
      all.add(
          pool.submit(
              () -> {
                start.await();
                List<CompletableFuture<Void>> sent = new ArrayList<>();
                for (int i = 0; i < 200; i++) {
                  if (thread % 2 == 0) {
                    room.emit("ev", thread, i, "x".repeat(i));
                  } else {
                    sent.add(room.emitAsync("ev", thread, i, "x".repeat(i)));
                  }
                }
                sent.forEach(CompletableFuture::join);
                return null;
              }));
    }
    for (Future<?> one : all) {
      one.get();
    }
    pool.shutdown();
    Map<Object, List<Object>> got = new HashMap<>();
    for (int i = 0; i < 8 * 200; i++) {
      List<Object> args = listener.args();
      assertEquals("x".repeat(((Long) args.get(1)).intValue()), args.get(2));
      got.computeIfAbsent(args.get(0), key -> new ArrayList<>()).add(args.get(1));
    }
    assertEquals(8, got.size());
    got.values().forEach(i -> assertEquals(LongStream.range(0, 200).boxed().toList(), i));
  }

  @Test
  void streams() {
    var streams = new Streams().streamName("s").maxLen(10);
    Emitter.builder(publisher).adapter(streams).build().to("r").emit("ev", new byte[1]);
    Emitter.builder(publisher).adapter(streams).build().emit("ev", 1);
    List<String> data =
        redis.xrange("s", "-", "+").stream()
            .map(entry -> entry.getFields().get("data").substring(0, 1))
            .toList();
    assertEquals(List.of("g", "{"), data);
  }

  private static Emitter python(Python adapter) {
    return Emitter.builder(publisher).adapter(adapter).build();
  }

  @Test
  void serversInPython(Listener listener) {
    python(new Python().channel("flask-socketio").allowBinary(true))
        .of("admin")
        .to("a", "b")
        .to(5)
        .except("abcdefghijklmnopqrst")
        .asVolatile()
        .emit("ev", ByteBuffer.wrap(new byte[] {0, 1, 2}, 1, 2), Map.of("b", new byte[0]), "é");
    var message = listener.next();
    assertEquals("flask-socketio", message.channel());
    assertEquals(
        Listener.decode(
            """
                {"method": "emit", "event": "ev", "binary": true, "namespace": "/admin",
                 "data": [[{"_placeholder": true, "num": 0},
                           {"b": {"_placeholder": true, "num": 1}}, "é"], "AQI=", ""],
                 "room": ["a", "b", 5], "skip_sid": "abcdefghijklmnopqrst",
                 "callback": null, "host_id": "emitter"}
                """
                .getBytes(UTF_8)),
        message.payload());
  }

  @Test
  void serversInPythonRefuse() {
    Emitter py = python(new Python());
    BroadcastOperator socket = py.to("abcdefghijklmnopqrst");
    for (Object room : List.of("room", 5, "/admin#abcdefghijklmnopqrst")) {
      refused(Reason.EXCEPT_ROOM, () -> py.except(List.of(room)));
      refused(Reason.NO_COUNTERPART, () -> py.to(List.of(room)).socketsJoin("a"));
      refused(Reason.NO_COUNTERPART, () -> py.to(List.of(room)).socketsLeave("a"));
      refused(Reason.NO_COUNTERPART, () -> py.to(List.of(room)).disconnectSockets());
    }
    List<Runnable> calls =
        List.of(
            () -> py.socketsJoin("a"),
            () -> socket.socketsJoin("a", "b"),
            () -> socket.to("ABCDEFGHIJKLMNOPQRST").socketsJoin("a"),
            () -> socket.except("ABCDEFGHIJKLMNOPQRST").socketsJoin("a"),
            () -> py.socketsLeave("a", "b"),
            () -> py.except("ABCDEFGHIJKLMNOPQRST").socketsLeave("a"),
            () -> py.disconnectSockets(),
            () -> socket.disconnectSockets(true),
            () -> py.serverSideEmit("ev"),
            () -> py.pipelined(pipe -> pipe.serverSideEmit("ev")));
    calls.forEach(call -> refused(Reason.NO_COUNTERPART, call));
    for (Object only : new Object[] {null, Optional.empty(), new byte[1], List.of(new byte[1])}) {
      refused(Reason.UNENCODABLE, () -> py.emit("ev", only));
      refused(Reason.UNENCODABLE, () -> py.emitAsync("ev", only).join());
    }
    Object nested = 1;
    for (int level = 0; level < 300; level++) {
      nested = List.of(nested);
    }
    py.emit("ev", nested);
    Object deeper = List.of(nested);
    refused(Reason.TOO_DEEP, () -> py.emit("ev", deeper));
    io.emit("ev", deeper);
    refused(Reason.INVALID_TEXT, () -> new Python().channel("\ud800"));
    refused(
        Reason.ADAPTER_OPTION,
        () -> Emitter.builder(publisher).adapter(new Python()).serverVersion(3).build());
  }

  @Test
  void idsOfServersInPythonThatMakeTheirOwn(Listener listener) {
    Emitter own =
        Emitter.builder(publisher)
            .adapter(new Python())
            .socketIds(Pattern.compile("user-\\d+"))
            .build();
    own.except("user-7").emit("ev");
    assertEquals("user-7", listener.next().request().get("skip_sid"));
    own.to("user-7").disconnectSockets();
    assertEquals("user-7", listener.next().request().get("sid"));
    refused(Reason.NO_COUNTERPART, () -> own.to("abcdefghijklmnopqrst").disconnectSockets());
  }

  @Test
  void options() {
    refused(Reason.SERVER_VERSION, () -> Emitter.builder(publisher).serverVersion(5));
    refused(Reason.ADAPTER_OPTION, () -> Emitter.builder(publisher).maxAttachments(0));
    refused(Reason.ADAPTER_OPTION, () -> SubscriptionMode.of("private"));
    refused(Reason.INVALID_TEXT, () -> Emitter.builder(publisher).key("\ud800"));
    refused(Reason.INVALID_TEXT, () -> new Sharded().channelPrefix("\ud800"));
    refused(
        Reason.ADAPTER_OPTION,
        () -> Emitter.builder(publisher).adapter(new Sharded()).key("x").build());
    assertEquals(SubscriptionMode.DYNAMIC_PRIVATE, SubscriptionMode.of("dynamic-private"));
    assertEquals("needs-version-4", Reason.NEEDS_VERSION_4.toString());
  }

  @Test
  void idsOfServersThatMakeTheirOwn(Listener listener) {
    Emitter old =
        Emitter.builder(publisher).serverVersion(2).socketIds(Pattern.compile("user-\\d+")).build();
    old.of("admin").except("user-7", "/admin#user-8").emit("ev");
    assertEquals(List.of("user-7", "/admin#user-8"), listener.next().options().get("except"));
    for (Object wrong : List.of("xuser-7", "user-7x", "abcdefghijklmnopqrst", 7)) {
      refused(Reason.EXCEPT_ROOM, () -> old.except(List.of(wrong)));
    }
  }

  /** An own publisher is three methods. */
  @Test
  void ownPublisher() {
    List<String> sent = new ArrayList<>();
    Publisher own =
        new Publisher() {
          @Override
          public void send(List<Command> commands) {
            for (Command command : commands) {
              sent.add(command.name() + " " + new String(command.key(), UTF_8));
              assertEquals(2, command.words().size());
            }
          }

          @Override
          public CompletableFuture<Void> sendAsync(List<Command> commands) {
            send(commands);
            return CompletableFuture.completedFuture(null);
          }

          @Override
          public long subscribers(byte[] channel, boolean sharded) {
            return sharded ? channel.length : -1;
          }
        };
    Emitter other = Emitter.builder(own).adapter(new Sharded()).build();
    other.pipelined(pipe -> pipe.to("r").emit("ev"));
    other.emitAsync("ev").join();
    assertEquals(List.of("SPUBLISH socket.io#/#r#", "SPUBLISH socket.io#/#"), sent);
    assertEquals(12, other.serverCount());
  }
}
