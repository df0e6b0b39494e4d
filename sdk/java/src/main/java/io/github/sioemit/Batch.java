package io.github.sioemit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The commands of a pipeline, until its block ends. */
final class Batch implements Sink {
  private final List<Command> commands = new ArrayList<>();
  private final CompletableFuture<Void> sent = new CompletableFuture<>();
  private boolean ended;

  @Override
  public synchronized void send(Command command) {
    if (ended) {
      throw new SioemitException(
          Reason.PIPELINE_ENDED, "the block of the pipeline has ended, and what it made with it");
    }
    commands.add(command);
  }

  @Override
  public CompletableFuture<Void> sendAsync(Command command) {
    send(command);
    return sent.copy();
  }

  /** Takes no more, and returns what there is. */
  synchronized List<Command> end() {
    ended = true;
    return commands;
  }

  /** What completes with the pipeline. */
  CompletableFuture<Void> sent() {
    return sent;
  }
}
