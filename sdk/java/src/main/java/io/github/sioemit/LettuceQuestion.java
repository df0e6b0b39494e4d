package io.github.sioemit;

import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.IntegerOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A question, which is written once. Lettuce writes a command again when it has reconnected, and
 * servers that had it already would answer, and act, twice; then it is a PING, which harms nobody.
 * When Redis itself has refused it, as with MOVED and ASK, it may be written again.
 */
final class LettuceQuestion extends io.lettuce.core.protocol.Command<byte[], byte[], Long> {
  private static final byte[] PING = "*1\r\n$4\r\nPING\r\n".getBytes(StandardCharsets.US_ASCII);

  private final Fate fate;

  LettuceQuestion(ProtocolKeyword name, Command question) {
    this(name, arguments(question), new Fate());
  }

  private LettuceQuestion(ProtocolKeyword name, CommandArgs<byte[], byte[]> args, Fate fate) {
    super(name, new Output(fate), args);
    this.fate = fate;
  }

  /** Returns the words of a command, of which the first is that which a cluster routes by. */
  static CommandArgs<byte[], byte[]> arguments(Command question) {
    byte[][] words = question.array();
    CommandArgs<byte[], byte[]> args = new CommandArgs<>(ByteArrayCodec.INSTANCE).addKey(words[0]);
    for (int i = 1; i < words.length; i++) {
      args.add(words[i]);
    }
    return args;
  }

  @Override
  public void encode(ByteBuf to) {
    if (fate.mayWrite()) {
      super.encode(to);
    } else {
      to.writeBytes(PING);
    }
  }

  /** Makes sure that it is not written any more, and tells whether it has been. */
  boolean giveUp() {
    return fate.giveUp();
  }

  /** Tells whether it would have been written twice. */
  boolean isRepeated() {
    return fate.isRepeated();
  }

  /** Whether it has been written, which its output has to know, too. */
  private static final class Fate {
    private boolean written;
    private boolean repeated;

    synchronized boolean mayWrite() {
      repeated |= written;
      boolean may = !written;
      written = true;
      return may;
    }

    synchronized void refused() {
      if (!repeated) {
        written = false;
      }
    }

    synchronized boolean giveUp() {
      boolean was = written;
      written = true;
      return was;
    }

    synchronized boolean isRepeated() {
      return repeated;
    }
  }

  /** How many subscribers Redis says have got it, or that it was refused. */
  private static final class Output extends IntegerOutput<byte[], byte[]> {
    private final Fate fate;

    Output(Fate fate) {
      super(ByteArrayCodec.INSTANCE);
      this.fate = fate;
    }

    @Override
    public void set(@Nullable ByteBuffer pong) {}

    @Override
    public void setError(ByteBuffer error) {
      fate.refused();
      super.setError(error);
    }
  }
}
