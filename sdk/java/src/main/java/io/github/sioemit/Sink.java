package io.github.sioemit;

import java.util.concurrent.CompletableFuture;

/** Where commands go: to Redis, or into a pipeline. */
interface Sink {
  void send(Target target, Command command);

  CompletableFuture<Void> sendAsync(Target target, Command command);
}
