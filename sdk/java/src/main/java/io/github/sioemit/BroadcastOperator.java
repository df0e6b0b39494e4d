package io.github.sioemit;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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

  BroadcastOperator(Config config, Target target, Sink sink) {
    this.config = config;
    this.target = target;
    this.sink = sink;
  }

  private BroadcastOperator with(Target target) {
    return new BroadcastOperator(config, target, sink);
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
   * Sends an event to the clients targeted. It returns once Redis has taken the event.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   */
  public void emit(String event, @Nullable Object... args) {
    sink.send(broadcast(event, args));
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
    return sink.sendAsync(broadcast(event, args));
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
    sink.send(config.request(target, new Request(kind, checked, false)));
  }

  /**
   * Disconnects the clients targeted from the namespace.
   *
   * @param close whether to close their connections, too
   */
  public void disconnectSockets(boolean close) {
    config.needsVersion4("disconnectSockets");
    sink.send(config.request(target, Request.disconnect(close)));
  }

  /** Disconnects the clients targeted from the namespace, and leaves their connections open. */
  public void disconnectSockets() {
    disconnectSockets(false);
  }

  /**
   * Sends an event to the servers of the namespace, where {@code io.on(event)} receives it.
   *
   * @param event the name of the event
   * @param args its arguments; an array of objects is taken for several
   */
  public void serverSideEmit(String event, @Nullable Object... args) {
    Names.serverSideEvent(event);
    untargeted("serverSideEmit");
    config.needsVersion4("serverSideEmit");
    Encoder.Limits limits = config.limits().forServers();
    sink.send(config.adapter().serverSide(target, event, orNull(args), limits));
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
