package io.github.sioemit;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The {@code RedisManager} and the {@code AsyncRedisManager} of python-socketio 5.15.1 and later,
 * which join servers in Python, those of Flask-SocketIO too. It never changes: its methods return
 * new ones.
 */
public final class Python extends Adapter {
  /** Python gives up at 1,000 calls that are open at once, of which each level takes two. */
  private static final int MAX_DEPTH = 300;

  private static final Encoder.Binary REFUSED =
      Encoder.Binary.refused(
          Reason.UNENCODABLE,
          "binary disconnects clients on HTTP long-polling where others use websocket, and is"
              + " allowed only if all use the same transport: see allowBinary");

  private final String channel;
  private final boolean allowBinary;

  /** The adapter with the defaults of python-socketio. */
  public Python() {
    this("socketio", false);
  }

  private Python(String channel, boolean allowBinary) {
    this.channel = channel;
    this.allowBinary = allowBinary;
  }

  /**
   * Sets the channel of the servers. That of Flask-SocketIO is {@code flask-socketio}.
   *
   * @param channel the manager's option; an empty one is the default, {@code socketio}
   * @return the adapter with it
   */
  public Python channel(String channel) {
    String valid = Names.valid(channel, "channel");
    return new Python(valid.isEmpty() ? "socketio" : valid, allowBinary);
  }

  /**
   * Lets events hold binary. It is for clients that all use the same transport: where one uses
   * websocket, the servers disconnect those on HTTP long-polling.
   *
   * @param allowBinary whether they may, by default false
   * @return the adapter with it
   */
  public Python allowBinary(boolean allowBinary) {
    return new Python(channel, allowBinary);
  }

  @Override
  Command broadcast(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    MessagePack data = new MessagePack();
    Attachments attachments = new Attachments();
    data.array(args.length);
    Encoder.arguments(
        data,
        event,
        args,
        limits.nested(
            MAX_DEPTH, "it is nested deeper than 300 levels, which python-socketio cannot read"),
        allowBinary ? attachments : REFUSED);
    if (args.length == 1 && data.at(1) == MessagePack.NIL) {
      throw Encoder.ofArgument(
          new SioemitException(
              Reason.UNENCODABLE, "null as the only argument arrives as no argument; send none"),
          event,
          0);
    }
    MessagePack out = message(9, "emit");
    member(out, "event", event);
    out.text("data");
    attachments.write(out, data);
    out.text("binary");
    out.bool(!attachments.isEmpty());
    member(out, "namespace", target.namespace());
    rooms(out, "room", target.rooms());
    rooms(out, "skip_sid", target.excepted());
    out.text("callback");
    out.nil();
    return publish(out);
  }

  /** There is a message for one socket and one room, and one that empties a room. */
  @Override
  Command request(Target target, Request request) {
    boolean one =
        target.excepted().isEmpty()
            && target.rooms().size() == 1
            && target.rooms().get(0) instanceof String;
    boolean everyone = target.excepted().isEmpty() && target.rooms().isEmpty();
    boolean oneRoom = request.rooms().size() == 1;
    MessagePack out =
        switch (request.kind()) {
          case JOIN -> {
            counterpart(one && oneRoom, "one socket joins one room there; target it by its id");
            yield message(5, "enter_room");
          }
          case LEAVE -> {
            counterpart(
                (one || everyone) && oneRoom, "one socket leaves one room there, or everyone does");
            yield one ? message(5, "leave_room") : message(4, "close_room");
          }
          case DISCONNECT -> {
            counterpart(
                !request.close(), "a socket leaves its namespace there, and keeps its connection");
            counterpart(one, "one socket is disconnected there; target it by its id");
            yield message(4, "disconnect");
          }
        };
    if (one) {
      rooms(out, "sid", target.rooms());
    }
    if (oneRoom) {
      rooms(out, "room", request.rooms());
    }
    member(out, "namespace", target.namespace());
    return publish(out);
  }

  private static void counterpart(boolean there, String why) {
    if (!there) {
      throw new SioemitException(
          Reason.NO_COUNTERPART, "python-socketio has no counterpart to this call: " + why);
    }
  }

  @Override
  Command serverSide(Target target, String event, @Nullable Object[] args, Encoder.Limits limits) {
    throw new SioemitException(
        Reason.NO_COUNTERPART,
        "python-socketio has no events for servers, as serverSideEmit sends");
  }

  @Override
  Command question(Target target, Ask ask, String id, long timeoutMillis) {
    throw unanswered();
  }

  @Override
  List<String> replyChannels(String namespace) {
    throw unanswered();
  }

  private static SioemitException unanswered() {
    return new SioemitException(
        Reason.NO_COUNTERPART, "servers with python-socketio answer each other only");
  }

  /** Begins a message, of which {@link #publish} writes the last member. */
  private static MessagePack message(int members, String method) {
    MessagePack out = new MessagePack();
    out.map(members);
    member(out, "method", method);
    return out;
  }

  private static void member(MessagePack out, String name, String value) {
    out.text(name);
    out.text(value);
  }

  /**
   * Writes no room as null, one by itself, and several as a list. It refuses a number that may
   * stand for others: a double from 2^53 up is the nearest to several whole numbers of Python's.
   */
  private static void rooms(MessagePack out, String name, List<Object> rooms) {
    for (Object room : rooms) {
      if (room instanceof Number number && Math.abs(number.doubleValue()) >= 0x1p53) {
        throw new SioemitException(
            Reason.NO_COUNTERPART,
            "the room "
                + room
                + ": Python tells numbers from 2^53 up apart that are the same one here");
      }
    }
    out.text(name);
    switch (rooms.size()) {
      case 0 -> out.nil();
      case 1 -> Target.room(out, rooms.get(0));
      default -> Target.rooms(out, rooms);
    }
  }

  private Command publish(MessagePack out) {
    member(out, "host_id", UID);
    return Command.publish(false, channel, JsonText.of(out));
  }

  @Override
  String listeners(String namespace) {
    return channel;
  }

  @Override
  boolean shardedListeners() {
    return false;
  }

  @Override
  boolean socketIdsOnly() {
    return true;
  }

  /** Binary in base64, of which the arguments hold placeholders. */
  private static final class Attachments implements Encoder.Binary {
    private final List<String> texts = new ArrayList<>();

    boolean isEmpty() {
      return texts.isEmpty();
    }

    @Override
    public void write(MessagePack out, ByteBuffer bytes) {
      out.map(2);
      out.text("_placeholder");
      out.bool(true);
      out.text("num");
      out.integer(texts.size());
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(bytes.position(), copy);
      texts.add(Base64.getEncoder().encodeToString(copy));
    }

    /** Writes the arguments; where they hold binary, in a list with it. */
    void write(MessagePack out, MessagePack args) {
      if (!isEmpty()) {
        out.array(1 + texts.size());
      }
      out.raw(args);
      texts.forEach(out::text);
    }
  }
}
