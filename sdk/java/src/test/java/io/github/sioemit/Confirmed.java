package io.github.sioemit;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.NullUnmarked;

/** Tells when Redis has confirmed a channel, or why it has not. */
@NullUnmarked
final class Confirmed implements Subscriber.Receiver {
  final CompletableFuture<byte[]> channel = new CompletableFuture<>();

  @Override
  public void confirmed(byte[] confirmed) {
    channel.complete(confirmed);
  }

  @Override
  public void received(byte[] message) {}

  @Override
  public void ended(Throwable why) {
    channel.completeExceptionally(why);
  }
}
