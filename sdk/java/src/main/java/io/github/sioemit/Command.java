package io.github.sioemit;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A Redis command, as a {@link Publisher} has to send it. */
public final class Command {
  private final String name;
  private final byte[][] words;
  private byte @Nullable [] reply;

  Command(String name, byte[]... words) {
    this.name = name;
    this.words = words;
  }

  static Command publish(boolean sharded, String channel, byte[] message) {
    return new Command(
        sharded ? "SPUBLISH" : "PUBLISH", channel.getBytes(StandardCharsets.UTF_8), message);
  }

  /**
   * Returns the name of the command.
   *
   * @return PUBLISH, SPUBLISH or XADD
   */
  public String name() {
    return name;
  }

  /**
   * Returns the channel or the stream. On a Redis Cluster the command goes to the node that has the
   * slot of it, PUBLISH too: by different nodes, events would overtake each other.
   *
   * @return the first of the words
   */
  public byte[] key() {
    return words[0];
  }

  /**
   * Returns what follows the name, the key included. It is not copied.
   *
   * @return the words
   */
  public List<byte[]> words() {
    return Arrays.asList(words);
  }

  /** Returns the same message for another channel. */
  Command to(byte[] channel) {
    return new Command(name, channel, words[1]);
  }

  /** Takes what Redis answers, before it is known that the command was sent. */
  void answered(@Nullable Object reply) {
    if (reply instanceof byte[] id) {
      this.reply = id;
    }
  }

  /** Returns the id that Redis has given to an entry, if it has. */
  byte @Nullable [] reply() {
    return reply;
  }

  /** The same without a list, for the clients that want an array. */
  byte[][] array() {
    return words;
  }
}
