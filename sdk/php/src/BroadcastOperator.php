<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * A target: a namespace, rooms and flags, and what can be done with it. It never changes: its methods return new ones,
 * which can be kept and shared.
 *
 * What is wrong with a call is a SioemitException. Its reason says whether anything may have been sent.
 */
class BroadcastOperator
{
    /** Seconds. */
    private const DEFAULT_TIMEOUT = 5.0;

    /** Some thirty years, which hrtime() can still count. */
    private const MAX_TIMEOUT = 1e9;

    /** @internal */
    public function __construct(
        protected readonly Settings $settings,
        protected readonly Sender $sender,
        private readonly Target $target,
        private readonly float $timeout = self::DEFAULT_TIMEOUT,
    ) {
    }

    /**
     * Targets another namespace, in which rooms and flags are kept. "admin" is "/admin".
     */
    public function of(string $namespace): self
    {
        Names::checkText('the namespace', $namespace);
        $t = $this->target;
        $namespace = str_starts_with($namespace, '/') ? $namespace : "/$namespace";
        return $this->with(new Target($namespace, $t->rooms, $t->except, $t->volatile, $t->compress));
    }

    /**
     * Targets rooms, besides those already targeted. A client in several of them gets an event once.
     *
     * A socket id is a room, too. A number is a room that is a number: join(5) on the server is not join("5").
     * A boolean is refused: its type is listed so that PHP makes no number of it, as it would without strict_types.
     */
    public function to(string|int|float|bool ...$rooms): self
    {
        $t = $this->target;
        $rooms = Names::addRooms('to', $t->rooms, $rooms);
        return $this->with(new Target($t->namespace, $rooms, $t->except, $t->volatile, $t->compress));
    }

    /**
     * Does as to(), by its other name in Socket.IO.
     */
    public function in(string|int|float|bool ...$rooms): self
    {
        return $this->to(...$rooms);
    }

    /**
     * Leaves out the clients in any of the rooms. On Socket.IO 1 to 3, and on python-socketio, it takes socket
     * ids only.
     */
    public function except(string|int|float|bool ...$rooms): self
    {
        $t = $this->target;
        $except = $rooms === [] ? $t->except : Names::addRooms('except', $t->except, $rooms);
        $this->settings->checkExcept($except);
        return $this->with(new Target($t->namespace, $t->rooms, $except, $t->volatile, $t->compress));
    }

    /**
     * Lets servers drop the event for clients that are not ready to receive it.
     */
    public function volatile(): self
    {
        $t = $this->target;
        return $this->with(new Target($t->namespace, $t->rooms, $t->except, true, $t->compress));
    }

    /**
     * Says whether servers may compress the event.
     */
    public function compress(bool $compress): self
    {
        $t = $this->target;
        return $this->with(new Target($t->namespace, $t->rooms, $t->except, $t->volatile, $compress));
    }

    /**
     * Sends an event to the clients targeted. It returns once Redis has taken the event.
     */
    public function emit(string $event, mixed ...$args): void
    {
        Names::checkEvent($event, Names::RESERVED);
        $settings = $this->settings;
        $command = $settings->adapter->broadcast($this->target, $event, $args, $settings->maxAttachments);
        $this->sender->send($this->target->namespace, $command);
    }

    /**
     * Makes the clients targeted join rooms.
     */
    public function socketsJoin(string|int|float|bool ...$rooms): void
    {
        $this->request('socketsJoin', Request::join(Names::addRooms('socketsJoin', [], $rooms)));
    }

    /**
     * Makes the clients targeted leave rooms.
     */
    public function socketsLeave(string|int|float|bool ...$rooms): void
    {
        $this->request('socketsLeave', Request::leave(Names::addRooms('socketsLeave', [], $rooms)));
    }

    /**
     * Disconnects the clients targeted from the namespace; with $close, closes their connections.
     */
    public function disconnectSockets(bool $close = false): void
    {
        $this->request('disconnectSockets', Request::disconnect($close));
    }

    /**
     * Sends an event to the servers of the namespace, where io.on(event) receives it.
     */
    public function serverSideEmit(string $event, mixed ...$args): void
    {
        Names::checkEvent($event, Names::RESERVED_SERVER_SIDE);
        $this->checkUntargeted('serverSideEmit');
        $this->settings->checkVersion4('serverSideEmit');
        $command = $this->settings->adapter->serverSideEmit($this->target, $event, $args);
        $this->asker('serverSideEmit')->checkReadsBinary($command);
        $this->sender->send($this->target->namespace, $command);
    }

    /**
     * Returns how many servers listen on the namespace. On a Redis Cluster it asks all nodes.
     */
    public function serverCount(): int
    {
        $this->checkUntargeted('serverCount');
        $connection = $this->sender->direct()->connection;
        return Answer::serverCount($connection, $this->settings->adapter, $this->target->namespace);
    }

    /**
     * Says how many seconds calls wait for answers; 5 unless it is called.
     */
    public function timeout(int|float $seconds): self
    {
        if (!($seconds > 0)) {
            throw new SioemitException(Reason::Timeout, "timeout($seconds): it must be more than 0 seconds");
        }
        return new self($this->settings, $this->sender, $this->target, min($seconds, self::MAX_TIMEOUT));
    }

    /**
     * Sends an event to the clients targeted, and waits until each has acknowledged it.
     *
     * When some do not in time, it throws an IncompleteException, which has what came. It needs Socket.IO 4 and, of the
     * classic adapter, @socket.io/redis-adapter 7.2.
     */
    public function emitWithAck(string $event, mixed ...$args): Acks
    {
        Names::checkEvent($event, Names::RESERVED);
        return $this->ask('emitWithAck', new Question('emitWithAck', $event, $args), new ClientAnswers());
    }

    /**
     * Returns the clients targeted, in no order.
     *
     * Each server writes down the socket.data of its clients for it; one whose data is circular ends then, as when
     * another server calls fetchSockets(). It needs Socket.IO 4 and, of the classic adapter, version 6.1.
     *
     * @return list<Socket>
     */
    public function fetchSockets(): array
    {
        return $this->ask('fetchSockets', new Question('fetchSockets'), new SocketAnswers());
    }

    /**
     * Sends an event to the servers of the namespace, and returns what each has answered, in the order of arrival. One
     * without a handler for the event never answers. It needs Socket.IO 4 and, of the classic adapter, version 7.
     *
     * @return list<mixed>
     */
    public function serverSideEmitWithAck(string $event, mixed ...$args): array
    {
        Names::checkEvent($event, Names::RESERVED_SERVER_SIDE);
        $this->checkUntargeted('serverSideEmitWithAck');
        $question = new Question('serverSideEmitWithAck', $event, $args);
        return $this->ask('serverSideEmitWithAck', $question, new ServerAnswers());
    }

    /**
     * Returns the names of all rooms of the namespace, sorted, but not the rooms that are numbers. The id of each
     * socket is one, too. On the sharded and the streams adapter, servers are asked for it as by fetchSockets().
     *
     * @return list<string>
     */
    public function rooms(): array
    {
        $this->checkUntargeted('rooms');
        $isClassic = $this->settings->adapter instanceof Classic;
        return $this->ask('rooms', new Question('rooms'), $isClassic ? new RoomAnswers() : new SocketRoomAnswers());
    }

    /**
     * Waits until every server of the namespace has taken all that this emitter sent there before, and returns how many
     * have. Rooms and flags make no difference.
     *
     * It asks the servers a question that changes nothing, behind the events: what Redis passes on to a server comes in
     * order, so that its answer says that it has the events, too. What has become of the connections is looked at as
     * well, with CLIENT LIST, INFO, TIME and, on a Redis Cluster, CLUSTER LINKS and CLUSTER SLOTS, which the Redis user
     * must be allowed. An answer that would prove nothing is an UnconfirmedException.
     *
     * The first confirm() of an emitter has nothing to compare with but how long, in seconds, connections have been
     * there: it cannot tell a server that has just started from one that has just come back. Call it once before the
     * first event for that.
     *
     * When servers do not answer in time, it throws an IncompleteException; the next confirm() is about the same
     * events, and later ones. It needs Socket.IO 4 and, of the classic adapter, version 6.1. With the streams adapter,
     * serverSideEmit() goes beside the stream, and cannot be confirmed.
     */
    public function confirm(): int
    {
        return (new Confirmer($this->settings, $this->sender, $this->target->namespace, $this->deadline()))->confirm();
    }

    private function ask(string $call, Question $question, Answers $answers): mixed
    {
        return $this->asker($call)->ask($question, $answers);
    }

    private function asker(string $call): Asker
    {
        return new Asker($this->settings, $this->sender, $this->target, $call, $this->deadline());
    }

    private function deadline(): int
    {
        return hrtime(true) + (int) ($this->timeout * 1e9);
    }

    private function request(string $call, Request $request): void
    {
        $this->settings->checkVersion4($call);
        $this->settings->checkSockets($this->target->rooms);
        $command = $this->settings->adapter->request($this->target, $request);
        $this->sender->send($this->target->namespace, $command);
    }

    private function checkUntargeted(string $call): void
    {
        if ($this->target->rooms !== [] || $this->target->except !== []) {
            throw new SioemitException(
                Reason::Targeted,
                "$call goes to the servers of a namespace and takes no rooms",
            );
        }
    }

    private function with(Target $target): self
    {
        return new self($this->settings, $this->sender, $target, $this->timeout);
    }
}
