package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;

/** What becomes of connections for replies. */
@NullUnmarked
class RepliesTest {
  /** A client whose connections confirm, or not, and keep silent otherwise. */
  private static final class Silent implements Subscriber {
    final BlockingQueue<String> subscribed = new LinkedBlockingQueue<>();
    final List<Receiver> receivers = new ArrayList<>();
    final AtomicInteger open = new AtomicInteger();
    volatile boolean confirms = true;
    volatile boolean broken;

    @Override
    public Subscription subscribe(List<byte[]> channels, boolean sharded, Receiver receiver) {
      receivers.add(receiver);
      open.incrementAndGet();
      Subscription subscription =
          new Subscription() {
            @Override
            public void subscribe(List<byte[]> more) {
              if (broken) {
                throw new IllegalStateException("it broke");
              }
              for (byte[] channel : more) {
                subscribed.add(new String(channel, UTF_8));
                if (confirms) {
                  receiver.confirmed(channel);
                }
              }
            }

            @Override
            public void close() {
              open.decrementAndGet();
            }
          };
      subscription.subscribe(channels);
      return subscription;
    }

    @Override
    public void ask(Command question) {}

    @Override
    public boolean isCluster() {
      return true;
    }
  }

  private static Replies.Wait on(
      Replies replies, Silent client, CompletableFuture<AskException> lost, String... channels) {
    return replies.on(client, List.of(channels), false, reply -> {}, lost::complete);
  }

  @Test
  void silence() throws Exception {
    var client = new Silent();
    var replies = new Replies(Duration.ofMillis(20), Duration.ofSeconds(2));
    var lost = new CompletableFuture<AskException>();
    var wait = on(replies, client, lost, "a", "b");
    wait.confirmed();
    assertEquals("a", client.subscribed.take());
    assertEquals("b", client.subscribed.take());
    String again = client.subscribed.take(); // it has to show that it lives, and does
    assertTrue(List.of("a", "b").contains(again), again);
    client.subscribed.take();
    client.confirms = false;
    assertEquals(Reason.SUBSCRIPTION, lost.join().reason());
    assertEquals(0, client.open.get());
  }

  @Test
  void anotherConnectionBesideASilentOne() throws Exception {
    var client = new Silent();
    var replies = new Replies(Duration.ofMillis(20), RedisServer.DEADLINE);
    var lost = new CompletableFuture<AskException>();
    var wait = on(replies, client, lost, "a");
    client.confirms = false;
    long giveUp = System.nanoTime() + RedisServer.DEADLINE.toNanos();
    while (client.receivers.size() < 2) { // when it has not answered
      assertTrue(System.nanoTime() < giveUp);
      Thread.sleep(5);
      on(replies, client, lost, "a").close();
    }
    assertEquals(1, client.open.get());
    wait.close();
    assertEquals(0, client.open.get());
  }

  @Test
  void joinedUntilTheLastOneLeaves() {
    var client = new Silent();
    var replies = new Replies();
    var lost = new CompletableFuture<AskException>();
    var one = on(replies, client, lost, "a");
    var other = on(replies, client, lost, "a", "b");
    assertEquals(1, client.receivers.size());
    assertEquals(List.of("a", "b"), List.copyOf(client.subscribed));
    one.close();
    one.close();
    assertEquals(1, client.open.get());
    other.close();
    assertEquals(0, client.open.get());
    // Each shard channel of a cluster is on the node of its slot.
    for (String channel : List.of("c", "d")) {
      replies.on(client, List.of(channel), true, reply -> {}, lost::complete);
    }
    assertEquals(2, client.open.get());
    client.receivers.get(1).ended(new IllegalStateException("gone"));
    assertEquals(Reason.SUBSCRIPTION, lost.join().reason());
    assertEquals(1, client.open.get());
    replies.close();
    assertEquals(0, client.open.get());
    assertEquals(
        Reason.CLOSED,
        assertThrows(AskException.class, () -> on(replies, client, lost, "a")).reason());
  }

  @Test
  void joinedWhenItHasBroken() {
    var client = new Silent();
    var replies = new Replies();
    var lost = new CompletableFuture<AskException>();
    var unused = on(replies, client, lost, "a");
    client.broken = true;
    var lostToo = new CompletableFuture<AskException>();
    var wait = on(replies, client, lostToo, "b");
    for (AskException e : List.of(lost.join(), lostToo.join())) {
      assertEquals(Reason.SUBSCRIPTION, e.reason());
    }
    assertThrows(AskException.class, wait::confirmed);
    assertEquals(0, client.open.get());
  }

  @Test
  void silentWhenItHasBroken() {
    var client = new Silent();
    var replies = new Replies(Duration.ofMillis(20), RedisServer.DEADLINE);
    var lost = new CompletableFuture<AskException>();
    var unused = on(replies, client, lost, "a");
    client.broken = true;
    assertEquals(Reason.SUBSCRIPTION, lost.orTimeout(30, TimeUnit.SECONDS).join().reason());
  }

  @Test
  void atMostSoManyChannels() {
    var client = new Silent();
    var replies = new Replies();
    var lost = new CompletableFuture<AskException>();
    List<Replies.Wait> waits = new ArrayList<>();
    for (int i = 0; i < 1001; i++) {
      waits.add(on(replies, client, lost, "channel " + i));
    }
    assertEquals(2, client.open.get());
    waits.forEach(Replies.Wait::close);
    assertEquals(0, client.open.get());
  }
}
