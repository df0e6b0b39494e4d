package io.github.sioemit;

import java.util.Locale;

/** Why a call was refused, or has failed. */
public enum Reason {
  /** An option that the adapter does not have, or a value that it does not take. */
  ADAPTER_OPTION,
  /** Binary, where JSON is sent. */
  BINARY_IN_JSON,
  /** A question asked of an emitter that has been closed, or that waited when it was. */
  CLOSED,
  /** An event without a name. */
  EMPTY_EVENT,
  /** A room without a name, or a call that needs a room and got none. */
  EMPTY_ROOM,
  /**
   * A room left out on Socket.IO 1 to 3 or on servers in Python, which leave out socket ids only.
   */
  EXCEPT_ROOM,
  /** Replies that did not come in time. */
  INCOMPLETE,
  /** Text that is not valid Unicode, or a number that JavaScript does not have. */
  INVALID_TEXT,
  /** A question that was on its way when the connection broke. */
  MAYBE_ASKED,
  /** A call that Socket.IO 1 to 3 do not have. */
  NEEDS_VERSION_4,
  /** A call that servers in Python have no message for. */
  NO_COUNTERPART,
  /** A question for a namespace on which no server listens. */
  NO_SERVERS,
  /** A call that needs an answer, in a pipeline. */
  PIPELINED,
  /** A call on a pipeline behind the end of its block. */
  PIPELINE_ENDED,
  /** The name of an event that Socket.IO keeps for itself. */
  RESERVED_EVENT,
  /** A version that is not 1, 2, 3 or 4. */
  SERVER_VERSION,
  /** A connection for replies that broke, or that Redis refused. */
  SUBSCRIPTION,
  /** Rooms for a call that goes to servers. */
  TARGETED,
  /** A time to wait that is not more than 0. */
  TIMEOUT,
  /** More than 1,000 levels; for servers in Python, more than 300. */
  TOO_DEEP,
  /** A confirmation that would prove nothing. */
  UNCONFIRMED,
  /** A value that cannot be sent. */
  UNENCODABLE,
  /** A namespace whose stream no server reads. */
  UNREAD_STREAM;

  private final String text = name().toLowerCase(Locale.ROOT).replace('_', '-');

  /** Returns the reason as the emitters in other languages spell it: {@code empty-room}. */
  @Override
  public String toString() {
    return text;
  }
}
