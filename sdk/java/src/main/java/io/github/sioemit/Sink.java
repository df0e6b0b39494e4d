package io.github.sioemit;

import java.util.concurrent.CompletableFuture;

/** Where commands go: to Redis, or into a pipeline. */
interface Sink {
  void send(Command command);

  CompletableFuture<Void> sendAsync(Command command);
}
