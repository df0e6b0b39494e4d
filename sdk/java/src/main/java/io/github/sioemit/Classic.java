package io.github.sioemit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.List;
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
    options(out, target);
    request.write(out);
    return send(target, out, false);
  }

  private static void options(MessagePack out, Target target) {
    out.text("opts");
    out.map(2);
    out.text("rooms");
    Target.rooms(out, target.rooms());
    out.text("except");
    Target.rooms(out, target.excepted());
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
    boolean binary = Encoder.event(out, event, args, limits, binaryInQuestions());
    return send(target, out, binary);
  }

  /** Sends a request: JSON, unless it holds binary. */
  private Command send(Target target, MessagePack out, boolean binary) {
    return Command.publish(
        false, listeners(target.namespace()), binary ? out.toByteArray() : JsonText.of(out));
  }

  @Override
  Command question(Target target, Ask ask, String id, long timeoutMillis) {
    MessagePack out = new MessagePack();
    switch (ask.kind()) {
      case EMIT_WITH_ACK -> {
        head(out, 5, id, 7);
        out.text("packet");
        out.map(3);
        out.text("type");
        out.integer(2);
        out.text("data");
        out.raw(ask.event());
        out.text("nsp");
        out.text(target.namespace());
        out.text("opts");
        target.options(out, true, timeoutMillis);
      }
      case SERVER_SIDE_EMIT -> {
        head(out, 4, id, 6);
        out.text("data");
        out.raw(ask.event());
      }
      case FETCH_SOCKETS -> {
        head(out, 4, id, 5);
        options(out, target);
      }
      case ROOMS -> head(out, 3, id, 1);
      case CONFIRM -> {
        head(out, 4, id, 0);
        out.text("rooms");
        Target.rooms(out, target.rooms());
      }
    }
    return send(target, out, ask.binary());
  }

  private static void head(MessagePack out, int members, String id, int type) {
    out.map(members);
    out.text("uid");
    out.text(UID);
    out.text("requestId");
    out.text(id);
    out.text("type");
    out.integer(type);
  }

  /** Some servers answer on the second channel: publishOnSpecificResponseChannel. */
  @Override
  List<String> replyChannels(String namespace) {
    String channel = key + "-response#" + namespace + "#";
    return List.of(channel, channel + UID + "#");
  }

  @Override
  Encoder.Binary binaryInQuestions() {
    return codec == Codec.JSON ? NO_BINARY : Encoder.Binary.PACKED;
  }

  @Override
  boolean binaryEndsServers() {
    return true;
  }

  @Override
  boolean hasRooms() {
    return true;
  }

  @Override
  String needs(Ask.Kind kind) {
    return switch (kind) {
      case EMIT_WITH_ACK -> "@socket.io/redis-adapter 7.2 or later";
      case SERVER_SIDE_EMIT -> "@socket.io/redis-adapter 7.0 or later and " + HANDLER;
      case FETCH_SOCKETS, ROOMS, CONFIRM ->
          "socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later";
    };
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
