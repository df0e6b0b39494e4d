package io.github.sioemit;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One question, from its first look at who listens to its last reply. */
final class Question<T> extends Waiting<T> {
  /** How often a question is asked that changes nothing. */
  private static final int ATTEMPTS = 4;

  /** Longer ones a server cannot wait. */
  private static final long MAX_MILLIS = Integer.MAX_VALUE;

  private final Config config;
  private final Target target;
  private final String call;
  private final Ask ask;
  private final Supplier<Collector<T>> collectors;
  private final Way way;
  private final Consumer<Duration> before;
  private final Subscriber subscriber;
  private final List<String> channels;

  // The rest is guarded by this.
  private Collector<T> collector;
  private long asked;
  private long unread;

  /** Under which it asks; a reply to an attempt before may be on its way here. */
  private String id = "";

  /**
   * Whether another question goes first. That has no more time, and says itself what is missing.
   */
  private boolean preparing;

  private boolean publishing;
  private Replies.@Nullable Wait wait;

  Question(
      Config config,
      Target target,
      String call,
      Ask ask,
      Supplier<Collector<T>> collectors,
      @Nullable Duration timeout,
      Way way,
      Consumer<Duration> before) {
    super(timeout);
    this.config = config;
    this.target = target;
    this.call = call;
    this.ask = ask;
    this.collectors = collectors;
    this.way = way;
    this.before = before;
    subscriber = config.subscriber(call);
    channels = config.adapter().replyChannels(target.namespace());
    collector = collectors.get();
  }

  @Override
  Executor executor() {
    return subscriber.executor();
  }

  /** Counts who listens, subscribes, and publishes the question. */
  @Override
  void run() throws InterruptedException {
    prepare();
    if (nanosLeft() <= 0) {
      expire(null);
      return;
    }
    String namespace = target.namespace();
    long listening = way.listening().getAsLong();
    if (listening == 0) {
      throw AskException.noServers(call, namespace);
    }
    Adapter adapter = config.adapter();
    Replies.Wait waiting =
        config
            .replies()
            .on(
                subscriber,
                channels,
                adapter.shardedListeners(),
                this::take,
                result::completeExceptionally);
    synchronized (this) {
      asked = listening;
      wait = waiting;
    }
    if (result.isDone()) {
      waiting.close(); // it was ended meanwhile, and nobody else does
      return;
    }
    waiting.confirmed();
    for (int attempt = 1; ; attempt++) {
      long millis = Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanosLeft()));
      String attempted = waiting.id();
      Command question = adapter.question(target, ask, attempted, Math.min(millis, MAX_MILLIS));
      synchronized (this) {
        if (result.isDone()) {
          return;
        }
        id = attempted;
        collector = collectors.get();
        unread = 0;
        publishing = true;
      }
      try {
        way.ask().accept(question);
        asked();
        return;
      } catch (MaybeAskedException e) {
        if (!ask.kind().isHarmless() || attempt == ATTEMPTS || result.isDone()) {
          throw e;
        }
        waiting.renew();
      } finally {
        synchronized (this) {
          publishing = false;
        }
      }
    }
  }

  private void prepare() {
    synchronized (this) {
      preparing = true;
    }
    try {
      before.accept(Duration.ofNanos(Math.max(1, nanosLeft())));
    } catch (IncompleteException e) {
      throw e.instead(collectors.get().result(e.asked()));
    } finally {
      synchronized (this) {
        preparing = false;
      }
    }
  }

  /** Takes a reply, on the thread that reads the connection. */
  private void take(Reply reply) {
    synchronized (this) {
      if (result.isDone()
          || !reply.requestId().equals(id)
          || collector.complete(asked)
          || !collector.wants(reply)) {
        return;
      }
      try {
        collector.add(reply);
      } catch (Malformed e) {
        unread++;
      }
      if (publishing) {
        return; // what becomes of the question is not known yet
      }
    }
    finish();
  }

  private void asked() {
    synchronized (this) {
      publishing = false;
    }
    finish();
  }

  /** Ends it when all the replies are there. */
  private void finish() {
    T all;
    synchronized (this) {
      if (!collector.complete(asked)) {
        return;
      }
      all = collector.result(asked);
    }
    way.answered().run();
    result.complete(all);
  }

  @Override
  @Nullable RuntimeException expired(@Nullable Throwable why) {
    if (preparing) {
      return null;
    }
    if (publishing && !ask.kind().isHarmless()) {
      return new MaybeAskedException(
          why == null ? new IllegalStateException("Redis did not answer in time") : why);
    }
    return why == null && wait != null && id.isEmpty()
        ? AskException.notSubscribed(wait.movedTo())
        : incomplete(why);
  }

  private IncompleteException incomplete(@Nullable Throwable why) {
    if (asked > 0 && collector.servers() >= asked - collector.others()) {
      way.answered().run(); // what is missing are answers of clients
    }
    return new IncompleteException(
        new IncompleteException.Answers(
            call,
            collector.servers(),
            asked - collector.others(),
            collector.clients(),
            collector.expected(),
            unread,
            asked > 0 && collector.servers() == 0 ? config.adapter().needs(ask.kind()) : "",
            collector.result(asked)),
        why);
  }

  @Override
  void release() {
    Replies.Wait waiting;
    synchronized (this) {
      waiting = wait;
    }
    if (waiting != null) {
      waiting.close();
    }
  }
}
