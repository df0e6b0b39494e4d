package io.github.sioemit;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.StreamEntryID;

/** What confirm says, through each Redis client, of servers that are well and of others. */
@ExtendWith(RedisExtension.class)
@NullUnmarked
class ConfirmTest {
  private static final Duration LONG = RedisServer.DEADLINE;

  @Test
  void servers(RedisServer server) throws Exception {
    try (var one = new AskedServer(server.port);
        var other = new AskedServer(server.port);
        var clients = new AskTest.Clients(server.url())) {
      int sent = 0;
      for (Publisher publisher : clients.publishers.values()) {
        BroadcastOperator io = new Emitter(publisher).timeout(LONG);
        assertEquals(2, io.confirm()); // before the first event, so that there is a comparison
        for (int i = 0; i < 100; i++) {
          io.to("r").emit("ev", i);
        }
        sent += 100;
        assertEquals(2, io.to("r").asVolatile().confirm());
        assertEquals(List.of(sent, sent), List.of(one.events.get(), other.events.get()));
        io.emitAsync("ev").join();
        sent++;
        assertEquals(2, io.confirmAsync().join());
        assertEquals(List.of(sent, sent), List.of(one.events.get(), other.events.get()));
        assertEquals(
            Reason.NO_SERVERS, assertThrows(AskException.class, io.of("empty")::confirm).reason());
      }
    }
  }

  /** Each way to send leaves something to confirm. */
  private static final List<Consumer<Emitter>> WAYS =
      List.of(
          io -> io.emit("ev"),
          io -> io.emitAsync("ev").join(),
          io -> io.pipelined(pipe -> pipe.to("r").emit("ev")),
          io -> io.pipelinedAsync(pipe -> pipe.emit("ev")).join(),
          io -> io.socketsJoin("r"),
          io -> io.serverSideEmit("ev"),
          io -> io.timeout(LONG).emitWithAck("ev"));

  @Test
  void cut(RedisServer server) throws Exception {
    try (var clients = new AskTest.Clients(server.url())) {
      for (Publisher publisher : clients.publishers.values()) {
        for (Consumer<Emitter> way : WAYS) {
          var emitter = new Emitter(publisher);
          BroadcastOperator io = emitter.timeout(LONG);
          try (var before = new AskedServer(server.port)) {
            assertEquals(1, io.confirm());
            way.accept(emitter);
            before.cut();
          }
          try (var back = new AskedServer(server.port)) {
            var e = assertThrows(UnconfirmedException.class, io::confirm);
            assertEquals(
                "confirm: whether the servers have taken everything cannot be known: "
                    + "a subscriber's connection to Redis was cut",
                e.getMessage());
            assertEquals(Reason.UNCONFIRMED, e.reason());
            assertEquals(1, e.servers());
            io.emit("ev");
            assertEquals(1, io.confirm()); // anew
            assertEquals(1, back.events.get());
          }
        }
      }
    }
  }

  /** Without a comparison, one that has just come back looks like one that has just come. */
  @Test
  void cameAfterTheFirstEvent(RedisServer server) throws Exception {
    try (var clients = new AskTest.Clients(server.url())) {
      BroadcastOperator io = new Emitter(clients.publishers.get("Lettuce")).timeout(LONG);
      io.emit("ev");
      try (var late = new AskedServer(server.port)) {
        var e = assertThrows(UnconfirmedException.class, io::confirm);
        assertTrue(e.getMessage().contains("at about the time of the first event"), e::getMessage);
        assertEquals(1, late.asked.size());
      }
    }
  }

  @Test
  void silent(RedisServer server) throws Exception {
    try (var clients = new AskTest.Clients(server.url())) {
      for (Publisher publisher : clients.publishers.values()) {
        var io = new Emitter(publisher);
        try (var one = new AskedServer(server.port);
            var silent = new AskedServer(server.port, false)) {
          io.emit("ev");
          var e = AskTest.whenOneHasAnswered(io, BroadcastOperator::confirm);
          assertEquals("confirm", e.call());
          assertEquals("confirm: 1 of 2 servers answered: time ran out", e.getMessage());
          assertEquals(List.of(1L, 2L), List.of(e.servers(), e.asked()));
          for (int i = one.asked.size(); i > 0; i--) {
            silent.asked.take();
          }
          var thrown = new AtomicReference<IncompleteException>();
          var thread =
              new Thread(
                  () ->
                      thrown.set(
                          assertThrows(IncompleteException.class, io.timeout(LONG)::confirm)));
          thread.start();
          silent.asked.take();
          thread.interrupt();
          thread.join();
          assertEquals(2, thrown.get().asked());
          assertInstanceOf(InterruptedException.class, thrown.get().getCause());
          var waits = io.timeout(LONG).confirmAsync();
          silent.asked.take();
          assertTrue(waits.cancel(true));
          silent.cut();
          // What was not confirmed still is not, and whether the silent one had it nobody knows.
          assertThrows(UnconfirmedException.class, io.timeout(LONG)::confirm);
          assertEquals(1, io.timeout(LONG).confirm());
          assertEquals(1, one.events.get());
        }
      }
    }
  }

  private static Command entry(int n) {
    return new Streams()
        .streamName("entries")
        .broadcast(Target.EVERYONE, "ev", new Object[] {n}, new Encoder.Limits(10, null));
  }

  /** By which it is seen later whether they were trimmed before they were read. */
  @Test
  void entriesHaveTheirIds(RedisServer server) {
    try (var clients = new AskTest.Clients(server.url());
        var admin = server.jedis()) {
      for (var client : clients.publishers.entrySet()) {
        admin.del("entries");
        Publisher publisher = client.getValue();
        List<Command> entries = List.of(entry(1), entry(2), entry(3), entry(4), entry(5), entry(6));
        publisher.send(entries.subList(0, 1));
        publisher.send(entries.subList(1, 3));
        publisher.sendAsync(entries.subList(3, 4)).join();
        publisher.sendAsync(entries.subList(4, 6)).join();
        assertEquals(
            admin.xrange("entries", (StreamEntryID) null, null).stream()
                .map(entry -> entry.getID().toString())
                .toList(),
            entries.stream().map(entry -> new String(entry.reply(), US_ASCII)).toList(),
            client.getKey());
      }
    }
  }

  @Test
  void manyAtOnceLeaveNothing(RedisServer server) throws Exception {
    try (var asked = new AskedServer(server.port);
        var clients = new AskTest.Clients(server.url());
        var admin = server.jedis()) {
      for (var entry : clients.publishers.entrySet()) {
        BroadcastOperator io = new Emitter(entry.getValue()).timeout(LONG);
        assertEquals(1, io.confirm());
        var all = new CompletableFuture<?>[100];
        for (int i = 0; i < all.length; i++) {
          all[i] = io.confirmAsync();
        }
        for (var one : all) {
          assertEquals(1L, one.join());
        }
        AskTest.nothingIsLeft(entry.getKey(), admin);
      }
      assertEquals(101 * clients.publishers.size(), asked.asked.size());
    }
  }

  @Test
  void theyWaitForEachOther(RedisServer server) throws Exception {
    try (var silent = new AskedServer(server.port, false);
        var clients = new AskTest.Clients(server.url());
        var admin = server.jedis()) {
      for (var entry : clients.publishers.entrySet()) {
        BroadcastOperator io = new Emitter(entry.getValue()).timeout(LONG);
        List<CompletableFuture<Long>> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
          all.add(io.confirmAsync());
        }
        silent.asked.take();
        assertEquals(1, AskTest.threads("sioemit-ask"));
        for (int i = 99; i >= 0; i--) {
          assertTrue(all.get(i).cancel(true)); // so that only the first has asked
        }
        AskTest.nothingIsLeft(entry.getKey(), admin);
        assertEquals(0, silent.asked.size());
      }
    }
  }

  @Test
  void refused(@TempDir Path directory) throws Exception {
    try (var server =
            new RedisServer(
                directory, "--user", "blind", "on", "nopass", "+@all", "-client|list", "~*", "&*");
        var asked = new AskedServer(server.port);
        var clients = new AskTest.Clients("redis://blind:any@127.0.0.1:" + server.port)) {
      for (Publisher publisher : clients.publishers.values()) {
        BroadcastOperator io = new Emitter(publisher).timeout(LONG);
        assertEquals(1, io.confirm()); // of nothing
        io.emit("ev");
        var e = assertThrows(UnconfirmedException.class, io::confirm);
        assertTrue(e.getMessage().contains("cannot be known: CLIENT LIST: NOPERM"), e::getMessage);
        assertEquals(1, e.servers());
      }
      assertEquals(4, asked.events.get());
    }
    var e = assertThrows(UnsupportedOperationException.class, new Emitter(new Sends())::confirm);
    assertTrue(e.getMessage().contains("Jedis or Lettuce"), e.getMessage());
  }

  @Test
  void rights(@TempDir Path directory) throws Exception {
    String[] rights =
        ("--user careful on nopass &socket.io* +hello +auth +ping"
                + " +publish +subscribe +pubsub|numsub +client|list +info +time")
            .split(" ", -1);
    try (var server = new RedisServer(directory, rights);
        var asked = new AskedServer(server.port);
        var clients = new AskTest.Clients("redis://careful:any@127.0.0.1:" + server.port)) {
      for (Publisher publisher : clients.publishers.values()) {
        BroadcastOperator io = new Emitter(publisher).timeout(LONG);
        assertEquals(1, io.confirm());
        io.emit("ev");
        assertEquals(1, io.confirm());
      }
      assertEquals(clients.publishers.size(), asked.events.get());
    }
  }

  /** A client of somebody's own. */
  private static final class Sends implements Publisher {
    @Override
    public void send(List<Command> commands) {}

    @Override
    public CompletableFuture<Void> sendAsync(List<Command> commands) {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public long subscribers(byte[] channel, boolean sharded) {
      return 1;
    }
  }

  @Test
  void whereNobodyCanBeAsked(RedisServer server) throws Exception {
    try (var asked = new AskedServer(server.port);
        var clients = new AskTest.Clients(server.url())) {
      Publisher publisher = clients.publishers.get("RedisClient");
      Emitter old = Emitter.builder(publisher).serverVersion(3).build();
      assertEquals(
          Reason.NEEDS_VERSION_4, assertThrows(SioemitException.class, old::confirm).reason());
      Emitter python = Emitter.builder(publisher).adapter(new Python()).build();
      assertEquals(
          Reason.NO_COUNTERPART,
          assertThrows(SioemitException.class, python::confirmAsync).reason());
      var io = new Emitter(publisher);
      assertEquals(
          Reason.PIPELINED,
          assertThrows(SioemitException.class, () -> io.pipelined(BroadcastOperator::confirm))
              .reason());
      io.close();
      var e = assertThrows(CompletionException.class, () -> io.confirmAsync().join());
      assertEquals(Reason.CLOSED, ((AskException) e.getCause()).reason());
      assertEquals(0, asked.asked.size());
    }
  }
}
