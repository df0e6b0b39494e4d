package io.github.sioemit;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.NullUnmarked;

/** Tells when Redis has confirmed a channel, or why it has not. */
@NullUnmarked
final class Confirmed implements Subscriber.Receiver {
  final CompletableFuture<byte[]> channel = new CompletableFuture<>();
  final List<String> moves = new CopyOnWriteArrayList<>();

  @Override
  public void confirmed(byte[] confirmed) {
    channel.complete(confirmed);
  }

  @Override
  public void received(byte[] message) {}

  @Override
  public void moved(String node) {
    moves.add(node);
  }

  @Override
  public void ended(Throwable why) {
    channel.completeExceptionally(why);
  }
}
