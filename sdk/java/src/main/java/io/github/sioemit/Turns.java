package io.github.sioemit;

import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Has the confirmations of one emitter go on one behind another. */
final class Turns {
  private final Queue<Confirmation> waiting = new ArrayDeque<>();
  private boolean taken;

  /** Lets a confirmation proceed when its turn has come. */
  void await(Confirmation confirmation) {
    synchronized (this) {
      if (taken) {
        waiting.add(confirmation);
        return;
      }
      taken = true;
    }
    confirmation.proceed();
  }

  /** Ends the turn of a confirmation, and begins that of the next one that still has time. */
  void end() {
    Confirmation next = next();
    if (next != null) {
      next.proceed();
    }
  }

  private synchronized @Nullable Confirmation next() {
    Confirmation next = waiting.poll();
    while (next != null && next.result.isDone()) {
      next = waiting.poll();
    }
    taken = next != null;
    return next;
  }
}
