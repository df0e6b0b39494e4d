package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Proves that servers have taken what was sent to them. A server takes the messages of one
 * connection in order, so that its answer to a question asked behind events says that it has taken
 * these, as long as nothing on the way was replaced meanwhile: see {@link Carriers}.
 */
final class Confirmation extends Waiting<Long> {
  private static final String CALL = Ask.Kind.CONFIRM.call;

  private final Config config;
  private final String namespace;
  private final NodePublisher publisher;
  private final Carrier carrier;
  private final boolean cluster;
  private final Sent sent;

  /** A room that nobody is in, so that no data of a socket is looked at. It is no socket's id. */
  private final Target nobody;

  /** As they were last, on the thread that runs this. */
  private List<Node> nodes = List.of();

  // The rest is guarded by this.
  private List<Question<Long>> questions = List.of();
  private long answered;
  private long asked;

  Confirmation(Config config, String namespace, @Nullable Duration timeout) {
    super(timeout);
    this.config = config;
    this.namespace = namespace;
    publisher = config.nodePublisher(CALL);
    var unused = config.adapter().replyChannels(namespace); // or none can be asked
    carrier = config.adapter().carrier();
    cluster = publisher.isCluster();
    sent = config.notes().of(namespace);
    nobody = Target.EVERYONE.of(namespace).to(List.of("nobody-" + Replies.newId()));
  }

  @Override
  Executor executor() {
    return publisher.executor();
  }

  /** Waits for its turn, and holds up no thread of anybody else's. */
  @Override
  void start(Executor executor) {
    config.notes().turns.await(this);
  }

  /** Runs it when its turn has come. */
  void proceed() {
    THREADS.execute(
        () -> {
          try {
            begin();
          } finally {
            config.notes().turns.end();
          }
        });
  }

  @Override
  void run() throws InterruptedException {
    Sent.Window window = sent.begin();
    long servers;
    try {
      servers = ask(window.channels());
    } catch (InterruptedException | RuntimeException | Error e) {
      sent.restore(window);
      throw e;
    }
    Outcome last = window.last();
    Carriers after = null;
    String doubt = "";
    String why = "";
    Throwable cause = null;
    try {
      after = Carriers.look(nodes, carrier, cluster, servers);
      doubt = after.interrupted(last.carriers(), window.since(), last.missed() > 0);
      if (doubt.isEmpty()) {
        doubt = missing(window.entries());
      }
      why = doubt;
    } catch (RuntimeException e) {
      doubt = after == null ? "Redis did not let us look" : "";
      why = AskException.text(e);
      cause = e;
    }
    // What cannot be known now never will be: the next confirmation begins anew.
    Outcome outcome =
        new Outcome(after, doubt, System.nanoTime(), last.missedNow(servers, !doubt.isEmpty()));
    if (why.isEmpty() && carrier == Carrier.STREAM && !window.channels().isEmpty()) {
      why = "what is for the servers themselves goes beside the stream";
    }
    if (why.isEmpty()) {
      why = window.doubt();
    }
    boolean told =
        (why.isEmpty() || window.since() == null)
            ? result.complete(servers)
            : result.completeExceptionally(new UnconfirmedException(servers, why, cause));
    if (told) {
      sent.end(outcome);
    } else {
      sent.restore(window); // time is up, or nobody waits any more
    }
  }

  private String missing(@Nullable Span entries) {
    if (entries == null || !(config.adapter() instanceof Streams streams)) {
      return "";
    }
    try {
      return entries.isGone(publisher, streams.stream(namespace))
          ? "an entry is no longer in the stream, and may have been trimmed before it was read"
          : "";
    } catch (RuntimeException e) {
      throw new IllegalStateException("XRANGE: " + AskException.text(e), e);
    }
  }

  /**
   * Asks each server, and returns how many have answered. It asks again when servers have come
   * meanwhile: one of them may have answered in the place of another.
   */
  private long ask(Set<String> rooms) throws InterruptedException {
    Set<String> all = new LinkedHashSet<>();
    all.add(config.adapter().listeners(namespace));
    if (carrier == Carrier.SHARD_CHANNEL) {
      // On a Redis Cluster these come by other connections than what goes to the namespace's.
      all.addAll(rooms);
    }
    List<String> channels = List.copyOf(all);
    long[] counts = count(channels);
    while (true) {
      if (counts[0] == 0) {
        return askOld();
      }
      long servers = askAll(channels, counts);
      long[] before = counts;
      counts = count(channels);
      if (!haveGrown(before, counts)) {
        if (servers == 0) { // but those who only listen, as sioemit does
          throw noServers();
        }
        return servers;
      }
    }
  }

  private AskException noServers() {
    return new AskException(
        Reason.NO_SERVERS, CALL + ": no server listens on namespace " + namespace, null);
  }

  private static boolean haveGrown(long[] before, long[] after) {
    for (int i = 0; i < after.length; i++) {
      if (after[i] > before[i]) {
        return true;
      }
    }
    return false;
  }

  /** Counts who will answer by each channel. */
  private long[] count(List<String> channels) throws InterruptedException {
    List<String> words = new ArrayList<>();
    words.add("PUBSUB");
    words.add(config.adapter().shardedListeners() ? "SHARDNUMSUB" : "NUMSUB");
    words.addAll(channels);
    long[] counts = new long[channels.size()];
    nodes = publisher.nodes();
    for (Node node : nodes) {
      goOn();
      List<@Nullable Object> answer = Answer.list(node.look(words.toArray(String[]::new)));
      for (int i = 0; i < counts.length; i++) {
        counts[i] += Answer.number(answer.get(2 * i + 1));
      }
    }
    return counts;
  }

  private void goOn() throws InterruptedException {
    if (result.isDone()) {
      throw new InterruptedException(); // nobody waits any more
    }
  }

  /** Asks by all channels at the same time, and returns how many have answered by the first. */
  private long askAll(List<String> channels, long[] counts) throws InterruptedException {
    List<Question<Long>> all = new ArrayList<>();
    for (int i = 0; i < counts.length; i++) {
      byte[] channel = channels.get(i).getBytes(UTF_8);
      if (counts[i] == 0) {
        continue; // that of a room that nobody is in any more
      }
      if (cluster && carrier == Carrier.PATTERN) {
        // Events of one namespace went by several masters, and are in order on their way from each.
        for (Node node : nodes) {
          goOn();
          String info = Answer.text(node.look("INFO", "replication"));
          if (Carriers.field(info, "role").equals("master")) {
            all.add(question(counts[i], node::ask));
          }
        }
      } else if (carrier == Carrier.SHARD_CHANNEL) {
        all.add(question(counts[i], command -> publisher.ask(command.to(channel))));
      } else {
        all.add(question(counts[i], publisher::ask));
      }
    }
    synchronized (this) {
      questions = all;
    }
    try {
      for (Question<Long> question : all) {
        goOn();
        question.begin();
      }
      goOn();
      for (Question<Long> question : all) {
        question.await();
      }
      return all.get(0).await();
    } finally {
      all.forEach(question -> question.result.cancel(false));
    }
  }

  private Question<Long> question(long servers, Consumer<Command> ask) {
    return new Question<>(
        config,
        nobody,
        CALL,
        Ask.of(Ask.Kind.CONFIRM),
        ServerCollector::new,
        Duration.ofNanos(Math.max(1, nanosLeft())),
        new Way(() -> servers, ask, () -> {}),
        left -> {});
  }

  /** Asks servers that subscribe to nothing. */
  private long askOld() throws InterruptedException {
    if (!(config.adapter() instanceof Streams streams)) {
      throw noServers();
    }
    long servers =
        new Heartbeats(publisher, streams, namespace, sent)
            .ask(
                nodes.get(0),
                nobody,
                (now, of) -> {
                  synchronized (this) {
                    answered = now;
                    asked = of;
                  }
                });
    if (servers == 0) {
      throw noServers();
    }
    return servers;
  }

  /** Returns what was asked that most servers have not answered. */
  @Override
  RuntimeException expired(@Nullable Throwable why) {
    RuntimeException worst = null;
    long most = -1;
    for (Question<Long> question : questions) {
      RuntimeException error;
      synchronized (question) {
        error = question.expired(why);
      }
      long missing = error instanceof IncompleteException e ? e.asked() - e.servers() : 0;
      if (error != null && missing > most) {
        worst = error;
        most = missing;
      }
    }
    return worst != null
        ? worst
        : new IncompleteException(
            new IncompleteException.Answers(CALL, answered, asked, 0, 0, 0, "", answered), why);
  }

  @Override
  void release() {}
}
