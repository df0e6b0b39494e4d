package io.github.sioemit;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One question, from its first look at who listens to its last reply. */
final class Question<T> {
  /** How long it waits for replies when nobody says otherwise. */
  static final Duration TIMEOUT = Duration.ofSeconds(5);

  /** How often a question is asked that changes nothing. */
  private static final int ATTEMPTS = 4;

  /** Longer ones a server cannot wait. */
  private static final long MAX_MILLIS = Integer.MAX_VALUE;

  private final Config config;
  private final Target target;
  private final String call;
  private final Ask ask;
  private final Supplier<Collector<T>> collectors;
  private final Consumer<Duration> before;
  private final long deadline;
  private final Subscriber subscriber;
  private final List<String> channels;

  private final CompletableFuture<T> result = new CompletableFuture<>();

  /** Completes as the result does, when nothing is left behind. */
  private final CompletableFuture<T> ended = result.whenComplete((replies, error) -> end());

  private final CompletableFuture<Void> timer;

  // The rest is guarded by this. Whoever holds it takes no other lock.
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
  private @Nullable Thread asking;
  private Replies.@Nullable Wait wait;

  Question(
      Config config,
      Target target,
      String call,
      Ask ask,
      Supplier<Collector<T>> collectors,
      @Nullable Duration timeout,
      Consumer<Duration> before) {
    this.config = config;
    this.target = target;
    this.call = call;
    this.ask = ask;
    this.collectors = collectors;
    this.before = before;
    subscriber = config.subscriber(call);
    channels = config.adapter().replyChannels(target.namespace());
    collector = collectors.get();
    long nanos = nanos(timeout == null ? TIMEOUT : timeout);
    deadline = System.nanoTime() + nanos;
    timer = new CompletableFuture<Void>().completeOnTimeout(null, nanos, TimeUnit.NANOSECONDS);
    var unused = timer.thenRun(() -> expire(null));
  }

  /** A time longer than half of what nanoTime can tell apart is for ever. */
  private static long nanos(Duration timeout) {
    long most = Long.MAX_VALUE / 2;
    return timeout.compareTo(Duration.ofNanos(most)) < 0 ? timeout.toNanos() : most;
  }

  /**
   * Asks, and waits. What waits for Redis does so on a thread of its own: clients wait as long as
   * they please, and not all of them can be interrupted.
   */
  T get() {
    Thread thread = new Thread(this::begin, "sioemit-ask");
    thread.setDaemon(true);
    thread.start();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return ended.get();
        } catch (InterruptedException e) {
          interrupted = true;
          expire(e); // unless the last reply has come just now
        }
      }
    } catch (ExecutionException e) {
      throw thrown(e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Asks without waiting. Whoever cancels what it returns ends the question. */
  CompletableFuture<T> getAsync() {
    Executor executor = subscriber.executor();
    CompletableFuture<T> future = ended.whenCompleteAsync((replies, error) -> {}, executor);
    var unused = future.whenComplete((replies, error) -> result.cancel(false));
    try {
      executor.execute(this::begin);
    } catch (RuntimeException e) {
      result.cancel(false);
      throw e;
    }
    return future;
  }

  private static RuntimeException thrown(@Nullable Throwable error) {
    if (error instanceof Error fatal) {
      throw fatal;
    }
    if (error instanceof AskException own) {
      own.fillInStackTrace(); // where the caller is, and not the thread that found out
    }
    return error instanceof RuntimeException known ? known : new IllegalStateException(error);
  }

  /** Counts who listens, subscribes, and publishes the question. */
  private void begin() {
    synchronized (this) {
      if (result.isDone()) {
        return;
      }
      asking = Thread.currentThread();
    }
    try {
      publish();
    } catch (InterruptedException e) {
      result.cancel(false); // it has ended, or its executor has
    } catch (RuntimeException | Error e) {
      result.completeExceptionally(e);
    } finally {
      synchronized (this) {
        asking = null;
        if (result.isDone()) {
          Thread.interrupted(); // by end, and no business of the next task of this thread
        }
      }
    }
  }

  private void publish() throws InterruptedException {
    prepare();
    if (deadline - System.nanoTime() <= 0) {
      expire(null);
      return;
    }
    String namespace = target.namespace();
    long listening = config.serverCount(namespace);
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
      long millis = Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
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
        subscriber.ask(question);
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
      before.accept(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
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
    result.complete(all);
  }

  /** Ends it with what has come, because its time is up or its thread was interrupted. */
  private void expire(@Nullable Throwable why) {
    RuntimeException error;
    synchronized (this) {
      if (preparing) {
        if (why != null && asking != null) {
          asking.interrupt();
        }
        return;
      }
      if (publishing && !ask.kind().isHarmless()) {
        error =
            new MaybeAskedException(
                why == null ? new IllegalStateException("Redis did not answer in time") : why);
      } else if (why == null && asked > 0 && id.isEmpty()) {
        error = AskException.notSubscribed();
      } else {
        error = incomplete(why);
      }
    }
    result.completeExceptionally(error);
  }

  private IncompleteException incomplete(@Nullable Throwable why) {
    return new IncompleteException(
        new IncompleteException.Answers(
            call,
            collector.servers(),
            asked,
            collector.clients(),
            collector.expected(),
            unread,
            asked > 0 && collector.servers() == 0 ? config.adapter().needs(ask.kind()) : "",
            collector.result(asked)),
        why);
  }

  /** Leaves nothing behind. */
  private void end() {
    timer.cancel(false);
    Replies.Wait waiting;
    synchronized (this) {
      waiting = wait;
      if (asking != null && asking != Thread.currentThread()) {
        asking.interrupt();
      }
    }
    if (waiting != null) {
      waiting.close();
    }
  }
}
