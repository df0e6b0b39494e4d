package io.github.sioemit;

import org.jspecify.annotations.Nullable;

/**
 * A message between servers whose adapters are built on socket.io-adapter's ClusterAdapter, which
 * those with shards and streams are: its type and its data.
 */
record ClusterMessage(int type, MessagePack data, boolean binary) {
  private static final int BROADCAST = 3;
  private static final int FETCH_SOCKETS = 7;
  private static final int SERVER_SIDE_EMIT = 9;

  static ClusterMessage broadcast(
      Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    MessagePack data = new MessagePack();
    data.map(2);
    data.text("packet");
    data.map(2);
    data.text("type");
    data.integer(2);
    data.text("data");
    boolean binary = Encoder.event(data, event, args, limits, Encoder.Binary.PACKED);
    data.text("opts");
    target.options(data, true);
    return new ClusterMessage(BROADCAST, data, binary);
  }

  static ClusterMessage request(Target target, Request request) {
    MessagePack data = new MessagePack();
    data.map(2);
    data.text("opts");
    target.options(data, true);
    request.write(data);
    return new ClusterMessage(request.kind().cluster, data, false);
  }

  static ClusterMessage serverSide(String event, @Nullable Object[] args, Encoder.Limits limits) {
    MessagePack data = new MessagePack();
    data.map(1);
    data.text("packet");
    boolean binary = Encoder.event(data, event, args, limits, Encoder.Binary.PACKED);
    return new ClusterMessage(SERVER_SIDE_EMIT, data, binary);
  }

  static ClusterMessage question(Target target, Ask ask, String id, long timeoutMillis) {
    MessagePack data = new MessagePack();
    int type =
        switch (ask.kind()) {
          case EMIT_WITH_ACK -> {
            data.map(3);
            data.text("packet");
            data.map(2);
            data.text("type");
            data.integer(2);
            data.text("data");
            data.raw(ask.event());
            member(data, "requestId", id);
            data.text("opts");
            target.options(data, true, timeoutMillis);
            yield BROADCAST;
          }
          case SERVER_SIDE_EMIT -> {
            data.map(2);
            member(data, "requestId", id);
            data.text("packet");
            data.raw(ask.event());
            yield SERVER_SIDE_EMIT;
          }
          case FETCH_SOCKETS, ROOMS, CONFIRM -> {
            data.map(2);
            data.text("opts");
            target.options(data, true);
            member(data, "requestId", id);
            yield FETCH_SOCKETS;
          }
        };
    return new ClusterMessage(type, data, ask.binary());
  }

  private static void member(MessagePack out, String name, String value) {
    out.text(name);
    out.text(value);
  }

  /** Returns {type, data, uid, nsp}, which is JSON unless it is to be packed. */
  byte[] of(String namespace, boolean packed) {
    MessagePack out = new MessagePack();
    out.map(4);
    out.text("type");
    out.integer(type);
    out.text("data");
    out.raw(data);
    out.text("uid");
    out.text(Adapter.UID);
    out.text("nsp");
    out.text(namespace);
    return packed ? out.toByteArray() : JsonText.of(out);
  }
}
