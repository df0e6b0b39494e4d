package io.github.sioemit;

/** What servers are asked: the kind of question, and the event where there is one. */
record Ask(Kind kind, MessagePack event, boolean binary) {
  /** The kinds of questions, by the names of their calls. */
  enum Kind {
    EMIT_WITH_ACK("emitWithAck"),
    SERVER_SIDE_EMIT("serverSideEmitWithAck"),
    FETCH_SOCKETS("fetchSockets"),
    ROOMS("rooms"),
    CONFIRM("confirm");

    final String call;

    Kind(String call) {
      this.call = call;
    }

    /** Tells whether it changes nothing, so that it may be asked again, as another question. */
    boolean isHarmless() {
      return this != EMIT_WITH_ACK && this != SERVER_SIDE_EMIT;
    }
  }

  /** A question without an event. */
  static Ask of(Kind kind) {
    return new Ask(kind, new MessagePack(), false);
  }
}
