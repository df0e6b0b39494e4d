package io.github.sioemit;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A target, and what can be done with it. It never changes: its methods return new ones, which can
 * be kept, and shared by threads.
 *
 * <p>Each call throws a {@link SioemitException} for what is wrong with it, before anything is
 * sent, and the exception of the Redis client for what Redis answers.
 */
public class BroadcastOperator {
  final Config config;
  private final Target target;
  private final Sink sink;
  private final @Nullable Duration timeout;

  BroadcastOperator(Config config, Target target, Sink sink, @Nullable Duration timeout) {
    this.config = config;
    this.target = target;
    this.sink = sink;
    this.timeout = timeout;
  }

  private BroadcastOperator with(Target target) {
    return new BroadcastOperator(config, target, sink, timeout);
  }

  /**
   * Targets another namespace, in which rooms and flags are kept.
   *
   * @param namespace its name; {@code "admin"} is {@code "/admin"}
   * @return the new target
   */
  public BroadcastOperator of(String namespace) {
    return with(target.of(namespace));
  }

  /**
   * Targets rooms, besides those already targeted. A client in several of them gets an event once.
   *
   * @param rooms the rooms, at least one; a socket id is a room, too
   * @return the new target
   */
  public BroadcastOperator to(String... rooms) {
    return to(Arrays.asList(rooms));
  }

  /**
   * Targets rooms that are numbers: {@code join(5)} is not {@code join("5")}.
   *
   * @param rooms the rooms, at least one
   * @return the new target
   */
  public BroadcastOperator to(Number... rooms) {
    return to(Arrays.asList(rooms));
  }

  /**
   * Targets rooms of both kinds.
   *
   * @param rooms the rooms, strings and numbers, at least one
   * @return the new target
   */
  public BroadcastOperator to(Collection<?> rooms) {
    if (rooms.isEmpty()) {
      throw new SioemitException(
          Reason.EMPTY_ROOM,
          "to() without a room would reach everyone; give it one, or leave it out");
    }
    return with(target.to(List.copyOf(rooms)));
  }

  /**
   * Does as {@link #to(String...)}, by its other name in Socket.IO.
   *
   * @param rooms the rooms, at least one
   * @return the new target
   */
  public BroadcastOperator in(String... rooms) {
    return to(rooms);
  }

  /**
   * Does as {@link #to(Number...)}, by its other name in Socket.IO.
   *
   * @param rooms the rooms, at least one
   * @return the new target
   */
  public BroadcastOperator in(Number... rooms) {
    return to(rooms);
  }

  /**
   * Does as {@link #to(Collection)}, by its other name in Socket.IO.
   *
   * @param rooms the rooms, strings and numbers, at least one
   * @return the new target
   */
  public BroadcastOperator in(Collection<?> rooms) {
    return to(rooms);
  }

  /**
   * Leaves out the clients in any of the rooms.
   *
   * @param rooms the rooms; on Socket.IO 1 to 3 and servers in Python, socket ids only
   * @return the new target
   */
  public BroadcastOperator except(String... rooms) {
    return except(Arrays.asList(rooms));
  }

  /**
   * Leaves out the clients in any of the rooms that are numbers.
   *
   * @param rooms the rooms
   * @return the new target
   */
  public BroadcastOperator except(Number... rooms) {
    return except(Arrays.asList(rooms));
  }

  /**
   * Leaves out the clients in any of the rooms.
   *
   * @param rooms the rooms, strings and numbers; on Socket.IO 1 to 3 and servers in Python, socket
   *     ids only
   * @return the new target
   */
  public BroadcastOperator except(Collection<?> rooms) {
    Target changed = target.except(List.copyOf(rooms));
    for (Object room : rooms) {
      config.canExcept(room);
    }
    return with(changed);
  }

  /**
   * Lets servers drop the event for clients that are not ready to receive it: {@code volatile} in
   * Socket.IO, which is a word of Java's own.
   *
   * @return the new target
   */
  public BroadcastOperator asVolatile() {
    return with(target.asVolatile());
  }

  /**
   * Says whether servers may compress the event.
   *
   * @param compress whether they may
   * @return the new target
   */
  public BroadcastOperator compress(boolean compress) {
    return with(target.compressed(compress));
  }

  /**
   * Sets how long calls with replies wait for them, 5 seconds where nothing is set. The others take
   * no notice.
   *
   * @param timeout how long, more than 0
   * @return the new target
   */
  public BroadcastOperator timeout(Duration timeout) {
    if (timeout.isZero() || timeout.isNegative()) {
      throw new SioemitException(
          Reason.TIMEOUT, "timeout(" + timeout + "): it must be more than 0");
    }
    return new BroadcastOperator(config, target, sink, timeout);
  }

  /**
   * Sends an event to the clients targeted. It returns once Redis has taken the event.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   */
  public void emit(String event, @Nullable Object... args) {
    sink.send(target, broadcast(event, args));
  }

  /**
   * Does as {@link #emit} without waiting. What one thread sends keeps its order. What is wrong
   * with the call is still thrown, and what Redis answers is in the future.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   * @return what completes once Redis has taken the event
   */
  public CompletableFuture<Void> emitAsync(String event, @Nullable Object... args) {
    return sink.sendAsync(target, broadcast(event, args));
  }

  private Command broadcast(String event, @Nullable Object @Nullable [] args) {
    Names.event(event);
    return config.adapter().broadcast(target, event, orNull(args), config.limits());
  }

  /** In {@code emit("ev", null)} Java takes the null for the array. */
  private static @Nullable Object[] orNull(@Nullable Object @Nullable [] args) {
    return args == null ? new @Nullable Object[1] : args;
  }

  /**
   * Makes the clients targeted join rooms. Servers do not answer.
   *
   * @param rooms the rooms, at least one
   */
  public void socketsJoin(String... rooms) {
    socketsJoin(Arrays.asList(rooms));
  }

  /**
   * Makes the clients targeted join rooms that are numbers.
   *
   * @param rooms the rooms, at least one
   */
  public void socketsJoin(Number... rooms) {
    socketsJoin(Arrays.asList(rooms));
  }

  /**
   * Makes the clients targeted join rooms.
   *
   * @param rooms the rooms, strings and numbers, at least one
   */
  public void socketsJoin(Collection<?> rooms) {
    change(Request.Kind.JOIN, "socketsJoin", rooms);
  }

  /**
   * Makes the clients targeted leave rooms. Servers do not answer.
   *
   * @param rooms the rooms, at least one
   */
  public void socketsLeave(String... rooms) {
    socketsLeave(Arrays.asList(rooms));
  }

  /**
   * Makes the clients targeted leave rooms that are numbers.
   *
   * @param rooms the rooms, at least one
   */
  public void socketsLeave(Number... rooms) {
    socketsLeave(Arrays.asList(rooms));
  }

  /**
   * Makes the clients targeted leave rooms.
   *
   * @param rooms the rooms, strings and numbers, at least one
   */
  public void socketsLeave(Collection<?> rooms) {
    change(Request.Kind.LEAVE, "socketsLeave", rooms);
  }

  private void change(Request.Kind kind, String call, Collection<?> rooms) {
    config.needsVersion4(call);
    if (rooms.isEmpty()) {
      throw new SioemitException(Reason.EMPTY_ROOM, call + " without a room");
    }
    List<Object> checked = Target.union(List.of(), List.copyOf(rooms));
    sink.send(target, config.request(target, new Request(kind, checked, false)));
  }

  /**
   * Disconnects the clients targeted from the namespace.
   *
   * @param close whether to close their connections, too
   */
  public void disconnectSockets(boolean close) {
    config.needsVersion4("disconnectSockets");
    sink.send(target, config.request(target, Request.disconnect(close)));
  }

  /** Disconnects the clients targeted from the namespace, and leaves their connections open. */
  public void disconnectSockets() {
    disconnectSockets(false);
  }

  /**
   * Sends an event to the servers of the namespace, where {@code io.on(event)} receives it.
   *
   * <p>Binary ends servers with a classic adapter before 7.2. So these are asked first whether they
   * can read it, with the exceptions of {@link #emitWithAck}, and it is not sent unless all can.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   */
  public void serverSideEmit(String event, @Nullable Object... args) {
    Names.serverSideEvent(event);
    untargeted("serverSideEmit");
    config.needsVersion4("serverSideEmit");
    Encoder.Limits limits = config.limits().forServers();
    Command command = config.adapter().serverSide(target, event, orNull(args), limits);
    if (config.adapter().binaryEndsServers() && command.words().get(1)[0] != '{') {
      checkReadsBinary("serverSideEmit");
    }
    sink.send(target, command);
  }

  /**
   * Sends an event to the clients targeted, and waits until each has acknowledged it. It needs
   * Socket.IO 4 and, of the classic adapter, version 7.2.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   * @return the acknowledgements
   * @throws IncompleteException when some have not come in time, or the thread was interrupted; it
   *     has those that did
   * @throws AskException when there are none for another reason
   */
  public Acks emitWithAck(String event, @Nullable Object... args) {
    return acks(event, args).get();
  }

  /**
   * Does as {@link #emitWithAck} without waiting. What is wrong with the call is still thrown.
   * Cancelling the future ends it, and nothing is left behind; the event may have been sent.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   * @return what completes with the acknowledgements
   */
  public CompletableFuture<Acks> emitWithAckAsync(String event, @Nullable Object... args) {
    return acks(event, args).getAsync();
  }

  private Question<Acks> acks(String event, @Nullable Object @Nullable [] args) {
    Names.event(event);
    Ask ask = ask(Ask.Kind.EMIT_WITH_ACK, event, args, config.limits());
    return question("emitWithAck", target, ask, AckCollector::new);
  }

  /**
   * Returns the clients targeted, those of all servers, in no particular order. It needs Socket.IO
   * 4 and, of the classic adapter, version 6.1.
   *
   * <p>Each server writes down {@code socket.data} of its clients to answer. One whose data is
   * circular ends then, as it does when another server calls {@code fetchSockets}.
   *
   * @return the clients
   * @throws IncompleteException when a server has not answered in time, or the thread was
   *     interrupted; it has the clients of the others
   * @throws AskException when there are none for another reason
   */
  public List<Socket> fetchSockets() {
    return sockets("fetchSockets").get();
  }

  /**
   * Does as {@link #fetchSockets} without waiting; see {@link #emitWithAckAsync}.
   *
   * @return what completes with the clients
   */
  public CompletableFuture<List<Socket>> fetchSocketsAsync() {
    return sockets("fetchSockets").getAsync();
  }

  private Question<List<Socket>> sockets(String call) {
    return question(call, target, Ask.of(Ask.Kind.FETCH_SOCKETS), SocketCollector::new);
  }

  /**
   * Sends an event to the servers of the namespace, and waits until each has answered it. A server
   * without a handler for the event never does. It needs Socket.IO 4 and, of the classic adapter,
   * version 7.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   * @return the answers, in the order of arrival
   * @throws IncompleteException when some have not come in time, or the thread was interrupted; it
   *     has those that did
   * @throws AskException when there are none for another reason
   */
  public List<@Nullable Object> serverSideEmitWithAck(String event, @Nullable Object... args) {
    return answers(event, args).get();
  }

  /**
   * Does as {@link #serverSideEmitWithAck} without waiting; see {@link #emitWithAckAsync}.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   * @return what completes with the answers
   */
  public CompletableFuture<List<@Nullable Object>> serverSideEmitWithAckAsync(
      String event, @Nullable Object... args) {
    return answers(event, args).getAsync();
  }

  private Question<List<@Nullable Object>> answers(
      String event, @Nullable Object @Nullable [] args) {
    Names.serverSideEvent(event);
    untargeted("serverSideEmitWithAck");
    Ask ask = ask(Ask.Kind.SERVER_SIDE_EMIT, event, args, config.limits().forServers());
    return question("serverSideEmitWithAck", target, ask, AnswerCollector::new);
  }

  /**
   * Returns the names of all rooms of the namespace, sorted, but for those that are numbers. The id
   * of each socket is the name of a room, too. The classic adapter knows a request for them; with
   * the others servers are asked as by {@link #fetchSockets}.
   *
   * @return the names
   * @throws IncompleteException when a server has not answered in time, or the thread was
   *     interrupted; it has the rooms of the others
   * @throws AskException when there are none for another reason
   */
  public List<String> rooms() {
    return allRooms().get();
  }

  /**
   * Does as {@link #rooms} without waiting; see {@link #emitWithAckAsync}.
   *
   * @return what completes with the names
   */
  public CompletableFuture<List<String>> roomsAsync() {
    return allRooms().getAsync();
  }

  private Question<List<String>> allRooms() {
    untargeted("rooms");
    return config.adapter().hasRooms()
        ? question("rooms", target, Ask.of(Ask.Kind.ROOMS), RoomCollector::new)
        : question("rooms", target, Ask.of(Ask.Kind.FETCH_SOCKETS), RoomsOfSockets::new);
  }

  /** Reads the event of a question before anything is sent. */
  private Ask ask(
      Ask.Kind kind, String event, @Nullable Object @Nullable [] args, Encoder.Limits limits) {
    MessagePack data = new MessagePack();
    Encoder.Binary binary = config.adapter().binaryInQuestions();
    return new Ask(kind, data, Encoder.event(data, event, orNull(args), limits, binary));
  }

  private <T> Question<T> question(
      String call, Target target, Ask ask, Supplier<Collector<T>> collectors) {
    notPipelined(call);
    boolean probe = ask.binary() && config.adapter().binaryEndsServers();
    Consumer<Duration> before = probe ? left -> timeout(left).checkReadsBinary(call) : left -> {};
    Subscriber subscriber = config.subscriber(call);
    Sent sent = config.notes().of(target.namespace());
    String beside = Replies.newId(); // which no channel is called
    Way way =
        new Way(
            () -> config.serverCount(target.namespace()),
            command -> publish(subscriber, target, ask.kind(), command, beside),
            () -> sent.answered(beside));
    return new Question<>(config, target, call, ask, collectors, timeout, way, before);
  }

  /**
   * Publishes a question, and notes for a confirmation what is an event. With the streams adapter
   * it goes beside the stream, and until all servers have answered an event for clients it is not
   * known whether they have it.
   */
  private void publish(
      Subscriber subscriber, Target target, Ask.Kind kind, Command question, String beside) {
    if (kind.isHarmless()) {
      subscriber.ask(question);
      return;
    }
    Sent sent = config.notes().of(target.namespace());
    long since = sent.since();
    try {
      subscriber.ask(question);
    } finally {
      if (kind == Ask.Kind.SERVER_SIDE_EMIT) {
        config.notes().add(sent, since, target, question);
      } else if (config.adapter().carrier() == Carrier.STREAM) {
        sent.noteChannel(since, beside);
      } else {
        sent.note(since);
      }
    }
  }

  /**
   * Asks servers whether their adapter reads requests with binary. What shows it is that they
   * answer an event with acknowledgement, because both came with 7.2. This one goes to a room that
   * nobody is in.
   */
  private void checkReadsBinary(String call) {
    Target nobody = Target.EVERYONE.of(target.namespace()).to(List.of(Replies.newId()));
    Ask probe = ask(Ask.Kind.EMIT_WITH_ACK, "probe", new Object[0], config.limits());
    try {
      question(call, nobody, probe, AckCollector::new).get();
    } catch (AskException e) {
      if (e.reason() != Reason.NO_SERVERS) {
        e.noteUnsentBinary();
        throw e;
      }
    }
  }

  /**
   * Waits until every server of the namespace has taken all that this emitter sent there before.
   * Rooms and flags make no difference. What {@link #emitAsync} sends is part of it once its future
   * has completed.
   *
   * <p>It asks the servers a question that changes nothing, behind the events: a server takes what
   * one connection brings in order, so its answer says that it has the events, too. What has become
   * of the connections is looked at as well, with CLIENT LIST, INFO, TIME and, on a Redis Cluster,
   * CLUSTER LINKS, which the Redis user must be allowed. The first confirmation of an emitter has
   * nothing to compare with but how long, in seconds, connections have been there: it cannot tell a
   * server that has just started from one that has just come back. Call it once before the first
   * event for that.
   *
   * <p>It needs Socket.IO 4 and, of the classic adapter, version 6.1. With the streams adapter,
   * {@link #serverSideEmit} goes beside the stream, and cannot be confirmed. Confirmations of one
   * emitter wait for each other.
   *
   * @return how many servers have taken it
   * @throws UnconfirmedException when an answer would prove nothing; the next confirmation begins
   *     anew
   * @throws IncompleteException when servers have not answered in time, or the thread was
   *     interrupted; the next confirmation is about the same events, and later ones
   * @throws AskException when there is no confirmation for another reason
   */
  public long confirm() {
    return confirmation().get();
  }

  /**
   * Does as {@link #confirm} without waiting; see {@link #emitWithAckAsync}.
   *
   * @return what completes with how many servers have taken it
   */
  public CompletableFuture<Long> confirmAsync() {
    return confirmation().getAsync();
  }

  private Confirmation confirmation() {
    notPipelined(Ask.Kind.CONFIRM.call);
    return new Confirmation(config, target.namespace(), timeout);
  }

  private void notPipelined(String call) {
    if (sink instanceof Batch) {
      throw new SioemitException(
          Reason.PIPELINED, call + " needs an answer and cannot be part of a pipeline");
    }
  }

  /**
   * Returns how many servers listen on the namespace. In a pipeline, too, it asks at once.
   *
   * @return how many, over all nodes of a Redis Cluster
   * @throws UnsupportedOperationException when the client knows only one of those nodes
   */
  public long serverCount() {
    untargeted("serverCount");
    return config.serverCount(target.namespace());
  }

  private void untargeted(String call) {
    if (!target.rooms().isEmpty() || !target.excepted().isEmpty()) {
      throw new SioemitException(
          Reason.TARGETED, call + " goes to the servers of a namespace and takes no rooms");
    }
  }
}
