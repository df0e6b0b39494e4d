package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Receives what servers answer to one emitter: each answer goes to the question that it is for. It
 * has a connection only while a question waits: the first one opens it, the last one closes it.
 */
final class Replies {
  /**
   * How long a connection may be silent before it has to show that it lives, and how long that may
   * take before new questions use another one: TCP finds out after minutes, if at all.
   */
  private static final Duration SILENCE = Duration.ofSeconds(3);

  /**
   * How long a connection may keep silent altogether. What shows that it lives comes behind a reply
   * that is on its way, which may be large, and the network slow. Redis has no more patience.
   */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** Questions that always overlap would keep the channels of every namespace ever asked. */
  private static final int MAX_CHANNELS = 1000;

  /** How often a slot is followed from node to node of a Redis Cluster. */
  static final int MAX_MOVES = 5;

  /**
   * How a connection with shard channels is named, in all languages: it looks like that of a server
   * otherwise, and comes and goes.
   */
  static final String NAME = "sioemit-replies";

  private static final int ID_BYTES = 16;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Duration silence;
  private final Duration patience;

  /** The connections that questions join, by what they have in common. */
  private final Map<String, Link> joined = new HashMap<>();

  private final Set<Link> links = new HashSet<>();
  private boolean closed;

  Replies() {
    this(SILENCE, PATIENCE);
  }

  Replies(Duration silence, Duration patience) {
    this.silence = silence;
    this.patience = patience;
  }

  /** Returns an id that nobody else uses. */
  static String newId() {
    byte[] random = new byte[ID_BYTES];
    RANDOM.nextBytes(random);
    return HexFormat.of().formatHex(random);
  }

  /**
   * Begins to wait for replies on channels. When {@link Wait#confirmed} returns, none to a question
   * asked after that is missed.
   *
   * @param taker what takes the replies, on the thread on which they come
   * @param lost what is told that no more replies come
   */
  synchronized Wait on(
      Subscriber subscriber,
      List<String> channels,
      boolean sharded,
      Consumer<Reply> taker,
      Consumer<AskException> lost) {
    if (closed) {
      throw AskException.closed();
    }
    String name = sharded && subscriber.isCluster() ? channels.get(0) : "";
    Link link = joined.get(name);
    if (link != null && link.channels.size() >= MAX_CHANNELS) {
      joined.remove(name);
      link = null;
    }
    if (link == null) {
      link = new Link(name);
      joined.put(name, link);
      links.add(link);
    }
    Wait wait = new Wait(link, taker, lost);
    link.waits.put(wait.id, wait);
    List<byte[]> missing = new ArrayList<>();
    for (String channel : channels) {
      CompletableFuture<Void> confirmed = link.channels.get(channel);
      if (confirmed == null) {
        confirmed = new CompletableFuture<>();
        link.channels.put(channel, confirmed);
        missing.add(channel.getBytes(UTF_8));
      }
      wait.confirmations.add(confirmed);
    }
    link.subscribe(subscriber, missing, sharded);
    return wait;
  }

  /** Fails every question that waits, and all later ones. */
  synchronized void close() {
    closed = true;
    for (Link link : List.copyOf(links)) {
      link.end(AskException.closed());
    }
  }

  /** One question that waits for replies. */
  final class Wait implements AutoCloseable {
    private final Link link;
    private final Consumer<Reply> taker;
    private final Consumer<AskException> lost;
    private final List<CompletableFuture<Void>> confirmations = new ArrayList<>();
    private String id = newId();

    private Wait(Link link, Consumer<Reply> taker, Consumer<AskException> lost) {
      this.link = link;
      this.taker = taker;
      this.lost = lost;
    }

    /** Waits until Redis has confirmed the subscriptions. */
    void confirmed() throws InterruptedException {
      for (CompletableFuture<Void> confirmation : confirmations) {
        try {
          confirmation.get();
        } catch (ExecutionException e) {
          throw ((AskException) Objects.requireNonNull(e.getCause())).again();
        }
      }
    }

    /** Returns the node to which Redis says that its channels have moved, if it has. */
    @Nullable String movedTo() {
      return link.movedTo;
    }

    String id() {
      synchronized (Replies.this) {
        return id;
      }
    }

    /** Waits for the replies to another question instead. */
    void renew() {
      synchronized (Replies.this) {
        link.waits.remove(id);
        id = newId();
        link.waits.put(id, this);
      }
    }

    /** Ends the wait; behind the last one the connection is closed, under the same lock. */
    @Override
    public void close() {
      synchronized (Replies.this) {
        link.waits.remove(id);
        if (link.waits.isEmpty()) {
          link.end(AskException.closed());
        }
      }
    }
  }

  /** One connection. All that it has is guarded by the lock of the outer object. */
  private final class Link implements Subscriber.Receiver {
    private final String name;
    private final Map<String, Wait> waits = new HashMap<>();

    /** Each completes when Redis has confirmed the channel. */
    private final Map<String, CompletableFuture<Void>> channels = new HashMap<>();

    private Subscriber.@Nullable Subscription subscription;
    private CompletableFuture<Void> timer = new CompletableFuture<>();
    private long heard = System.nanoTime();
    private boolean questioned;
    private boolean ended;

    /** It is read without the lock. */
    private volatile @Nullable String movedTo;

    Link(String name) {
      this.name = name;
    }

    void subscribe(Subscriber subscriber, List<byte[]> missing, boolean sharded) {
      if (missing.isEmpty()) {
        return;
      }
      if (subscription != null) {
        add(subscription, missing);
        return;
      }
      try {
        subscription = subscriber.subscribe(missing, sharded, this);
      } catch (RuntimeException e) {
        waits.clear(); // of which there is one, and it is told by this exception
        end(AskException.lost(e));
        throw e;
      }
      if (ended) {
        subscription.close();
      } else {
        watch();
      }
    }

    /** Subscribes to more channels, for which the connection may have gone already. */
    private void add(Subscriber.Subscription to, List<byte[]> more) {
      try {
        to.subscribe(more);
      } catch (RuntimeException e) {
        end(AskException.lost(e));
      }
    }

    private void watch() {
      timer =
          new CompletableFuture<Void>()
              .completeOnTimeout(null, silence.toNanos(), TimeUnit.NANOSECONDS);
      var unused = timer.thenRun(this::look);
    }

    /** Finds out when the connection has gone without being closed. */
    private void look() {
      synchronized (Replies.this) {
        if (ended || subscription == null) {
          return;
        }
        long silent = System.nanoTime() - heard;
        if (silent >= patience.toNanos()) {
          end(AskException.lost(new RuntimeException("it has not answered for " + patience)));
          return;
        }
        if (silent >= silence.toNanos()) {
          if (questioned) {
            joined.remove(name, this);
          } else {
            // Subscribing once more shows as much as a PING, for which a user may lack the right.
            questioned = true;
            add(subscription, List.of(channels.keySet().iterator().next().getBytes(UTF_8)));
          }
        }
        if (!ended) {
          watch();
        }
      }
    }

    @Override
    public void confirmed(byte[] channel) {
      synchronized (Replies.this) {
        heard();
        CompletableFuture<Void> confirmed = channels.get(new String(channel, UTF_8));
        if (confirmed != null) {
          confirmed.complete(null);
        }
      }
    }

    private void heard() {
      heard = System.nanoTime();
      questioned = false;
    }

    /**
     * Hands a reply to the question that it is for. What is no reply to one of this emitter is
     * ignored: answers to others, late ones, and whatever cannot be read.
     */
    @Override
    public void received(byte[] message) {
      Reply reply = Reply.of(message);
      Wait wait;
      synchronized (Replies.this) {
        heard();
        wait = reply == null ? null : waits.get(reply.requestId());
      }
      if (wait != null && reply != null) {
        wait.taker.accept(reply);
      }
    }

    @Override
    public void moved(String node) {
      movedTo = node;
    }

    @Override
    public void ended(Throwable why) {
      synchronized (Replies.this) {
        end(AskException.lost(why));
      }
    }

    /** Fails every question that waits; a later one opens a new connection. */
    private void end(AskException why) {
      if (ended) {
        return;
      }
      ended = true;
      joined.remove(name, this);
      links.remove(this);
      timer.cancel(false);
      if (subscription != null) {
        subscription.close();
      }
      for (CompletableFuture<Void> confirmed : channels.values()) {
        confirmed.completeExceptionally(why);
      }
      for (Wait wait : List.copyOf(waits.values())) {
        wait.lost.accept(why.again());
      }
    }
  }
}
