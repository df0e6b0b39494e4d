package io.github.sioemit;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A call that waits for servers, until its deadline. What waits for Redis does so on another
 * thread: clients wait as long as they please, and not all of them can be interrupted.
 */
abstract class Waiting<T> {
  /** How long it waits for replies when nobody says otherwise. */
  static final Duration TIMEOUT = Duration.ofSeconds(5);

  /** Runs each task on a thread of its own. */
  static final Executor THREADS =
      task -> {
        Thread thread = new Thread(task, "sioemit-ask");
        thread.setDaemon(true);
        thread.start();
      };

  final CompletableFuture<T> result = new CompletableFuture<>();

  /** Completes as the result does, when nothing is left behind. */
  private final CompletableFuture<T> ended = result.whenComplete((replies, error) -> end());

  private final long deadline;

  /** On which it runs. It is guarded by this. */
  private @Nullable Thread thread;

  Waiting(@Nullable Duration timeout) {
    deadline = System.nanoTime() + nanos(timeout == null ? TIMEOUT : timeout);
  }

  /** A time longer than half of what nanoTime can tell apart is for ever. */
  private static long nanos(Duration timeout) {
    long most = Long.MAX_VALUE / 2;
    return timeout.compareTo(Duration.ofNanos(most)) < 0 ? timeout.toNanos() : most;
  }

  /** Returns how much time is left, which is nothing, or less, when it is up. */
  final long nanosLeft() {
    return deadline - System.nanoTime();
  }

  /** Does what there is to do for the result, as far as it does not come by other threads. */
  abstract void run() throws InterruptedException;

  /**
   * Returns the error that says what has come when time is up, or the thread of the caller was
   * interrupted; or null: then {@link #run}, which is interrupted too, says it. It is called by who
   * holds the lock of this.
   */
  abstract @Nullable RuntimeException expired(@Nullable Throwable why);

  /** Leaves nothing behind. */
  abstract void release();

  /** What runs it where nobody waits, and completes what is returned then. */
  abstract Executor executor();

  /** Runs it by an executor. */
  void start(Executor executor) {
    executor.execute(this::begin);
  }

  /** Runs it, and waits. */
  final T get() {
    watch();
    start(THREADS);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return await();
        } catch (InterruptedException e) {
          interrupted = true;
          expire(e); // unless the last reply has come just now
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Runs it without waiting. Whoever cancels what it returns ends it. */
  final CompletableFuture<T> getAsync() {
    Executor executor = executor();
    watch();
    CompletableFuture<T> future = ended.whenCompleteAsync((replies, error) -> {}, executor);
    var unused = future.whenComplete((replies, error) -> result.cancel(false));
    try {
      start(executor);
    } catch (RuntimeException e) {
      result.cancel(false);
      throw e;
    }
    return future;
  }

  /** Waits for the result. */
  final T await() throws InterruptedException {
    try {
      return ended.get();
    } catch (ExecutionException e) {
      throw thrown(e.getCause());
    }
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

  private void watch() {
    CompletableFuture<Void> timer =
        new CompletableFuture<Void>()
            .completeOnTimeout(null, Math.max(1, nanosLeft()), TimeUnit.NANOSECONDS);
    var unused = timer.thenRun(() -> expire(null));
    var unusedToo = result.whenComplete((replies, error) -> timer.cancel(false));
  }

  /** Runs it on this thread. */
  final void begin() {
    synchronized (this) {
      if (result.isDone()) {
        return;
      }
      thread = Thread.currentThread();
    }
    try {
      run();
    } catch (InterruptedException e) {
      result.cancel(false); // it has ended, or its executor has
    } catch (RuntimeException | Error e) {
      result.completeExceptionally(e);
    } finally {
      synchronized (this) {
        thread = null;
        if (result.isDone()) {
          Thread.interrupted(); // by end, and no business of the next task of this thread
        }
      }
    }
  }

  /** Ends it with what has come, because its time is up or its caller was interrupted. */
  final void expire(@Nullable Throwable why) {
    RuntimeException error;
    synchronized (this) {
      error = expired(why);
      if (error == null && why != null) {
        interrupt();
      }
    }
    if (error != null) {
      result.completeExceptionally(error);
    }
  }

  private synchronized void interrupt() {
    if (thread != null && thread != Thread.currentThread()) {
      thread.interrupt();
    }
  }

  private void end() {
    interrupt();
    release();
  }
}
