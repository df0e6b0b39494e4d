package io.github.sioemit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.jspecify.annotations.Nullable;

/** The adapter of socket.io-redis and of createAdapter in @socket.io/redis-adapter. */
final class Classic extends Adapter {
  /** Socket.IO 1 and 2 need this type for binary; 4 disconnects every client for it. */
  private static final int BINARY_EVENT = 5;

  /** What stands before the data of a broadcast: ["emitter", {type: 2, data. */
  private static final byte[] HEAD =
      "\u0093\u00a7emitter\u0083\u00a4type\2\u00a4data".getBytes(ISO_8859_1);

  /** Where the type stands in it. */
  private static final int TYPE = 15;

  private static final byte[] NAMESPACE = "\u00a3nsp".getBytes(ISO_8859_1);

  private static final Encoder.Binary NO_BINARY =
      Encoder.Binary.refused(Reason.BINARY_IN_JSON, "JSON cannot carry binary");

  private static final Encoder.Binary NO_BINARY_FOR_SERVERS =
      Encoder.Binary.refused(
          Reason.BINARY_IN_JSON,
          "JSON cannot carry binary, and servers with @socket.io/redis-adapter before 7.2 end when"
              + " such a request holds any");

  private final String key;
  private final Codec codec;
  private final boolean legacyBinary;

  Classic(String key, Codec codec, boolean legacyBinary) {
    this.key = key;
    this.codec = codec;
    this.legacyBinary = legacyBinary;
  }

  @Override
  Command broadcast(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    MessagePack out = new MessagePack();
    out.raw(HEAD);
    boolean json = codec == Codec.JSON;
    boolean binary =
        Encoder.event(out, event, args, limits, json ? NO_BINARY : Encoder.Binary.PACKED);
    if (binary && legacyBinary) {
      out.set(TYPE, BINARY_EVENT);
    }
    out.raw(NAMESPACE);
    out.text(target.namespace());
    target.options(out, false);
    return Command.publish(false, channel(target), json ? JsonText.of(out) : out.toByteArray());
  }

  /** Servers look up the text in the channel among their rooms, so that a number has none. */
  private String channel(Target target) {
    String channel = key + "#" + target.namespace() + "#";
    return target.rooms().size() == 1 && target.rooms().get(0) instanceof String room
        ? channel + room + "#"
        : channel;
  }

  @Override
  Command request(Target target, Request request) {
    MessagePack out = new MessagePack();
    out.map(3);
    out.text("type");
    out.integer(request.kind().classic);
    out.text("opts");
    out.map(2);
    out.text("rooms");
    Target.rooms(out, target.rooms());
    out.text("except");
    Target.rooms(out, target.excepted());
    request.write(out);
    return Command.publish(false, listeners(target.namespace()), JsonText.of(out));
  }

  @Override
  Command serverSide(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    MessagePack out = new MessagePack();
    out.map(3);
    out.text("uid");
    out.text(UID);
    out.text("type");
    out.integer(6);
    out.text("data");
    Encoder.event(out, event, args, limits, NO_BINARY_FOR_SERVERS);
    return Command.publish(false, listeners(target.namespace()), JsonText.of(out));
  }

  @Override
  String listeners(String namespace) {
    return key + "-request#" + namespace + "#";
  }

  @Override
  boolean shardedListeners() {
    return false;
  }
}
