package io.github.sioemit;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Runs tasks on other threads, one behind another: events must not overtake each other. */
final class InOrder {
  private final @Nullable Executor executor;
  private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);

  InOrder(@Nullable Executor executor) {
    this.executor = executor;
  }

  synchronized CompletableFuture<Void> run(Runnable task) {
    CompletableFuture<Void> next =
        executor == null
            ? last.handleAsync((done, error) -> after(task))
            : last.handleAsync((done, error) -> after(task), executor);
    last = next;
    return next.copy(); // whoever completes or cancels it must not let the next one start
  }

  private static @Nullable Void after(Runnable task) {
    task.run();
    return null;
  }
}
