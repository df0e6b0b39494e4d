package io.github.sioemit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The commands of a pipeline, until its block ends. */
final class Batch implements Sink {
  private final List<Command> commands = new ArrayList<>();

  /** Those of the commands. */
  private final List<Target> targets = new ArrayList<>();

  private final CompletableFuture<Void> sent = new CompletableFuture<>();
  private boolean ended;

  @Override
  public synchronized void send(Target target, Command command) {
    if (ended) {
      throw new SioemitException(
          Reason.PIPELINE_ENDED, "the block of the pipeline has ended, and what it made with it");
    }
    commands.add(command);
    targets.add(target);
  }

  @Override
  public CompletableFuture<Void> sendAsync(Target target, Command command) {
    send(target, command);
    return sent.copy();
  }

  /** Takes no more, and returns what there is. */
  synchronized List<Command> end() {
    ended = true;
    return commands;
  }

  /** Notes that it was sent, or may have been, since some time. */
  void note(Notes notes, long since) {
    notes.addAll(since, targets, commands);
  }

  /** What completes with the pipeline. */
  CompletableFuture<Void> sent() {
    return sent;
  }
}
