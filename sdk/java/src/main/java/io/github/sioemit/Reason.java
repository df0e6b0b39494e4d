package io.github.sioemit;

import java.util.Locale;

/** Why a call was refused. */
public enum Reason {
  /** An option that the adapter does not have, or a value that it does not take. */
  ADAPTER_OPTION,
  /** Binary, where JSON is sent. */
  BINARY_IN_JSON,
  /** An event without a name. */
  EMPTY_EVENT,
  /** A room without a name, or a call that needs a room and got none. */
  EMPTY_ROOM,
  /**
   * A room left out on Socket.IO 1 to 3 or on servers in Python, which leave out socket ids only.
   */
  EXCEPT_ROOM,
  /** Text that is not valid Unicode, or a number that JavaScript does not have. */
  INVALID_TEXT,
  /** A call that Socket.IO 1 to 3 do not have. */
  NEEDS_VERSION_4,
  /** A call that servers in Python have no message for. */
  NO_COUNTERPART,
  /** A call on a pipeline behind the end of its block. */
  PIPELINE_ENDED,
  /** The name of an event that Socket.IO keeps for itself. */
  RESERVED_EVENT,
  /** A version that is not 1, 2, 3 or 4. */
  SERVER_VERSION,
  /** Rooms for a call that goes to servers. */
  TARGETED,
  /** More than 1,000 levels; for servers in Python, more than 300. */
  TOO_DEEP,
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
