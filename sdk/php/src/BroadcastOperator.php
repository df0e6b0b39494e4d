<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * A target: a namespace, rooms and flags, and what can be done with it. It never changes: its methods return new ones,
 * which can be kept and shared.
 *
 * What is wrong with a call is a SioemitException. With any other reason than Reason::Redis, nothing was sent.
 */
class BroadcastOperator
{
    /** @internal */
    public function __construct(
        protected readonly Settings $settings,
        protected readonly Connection $connection,
        private readonly Target $target,
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
        $this->connection->send($settings->adapter->broadcast($this->target, $event, $args, $settings->maxAttachments));
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
        $this->connection->send($this->settings->adapter->serverSideEmit($this->target, $event, $args));
    }

    /**
     * Returns how many servers listen on the namespace. On a Redis Cluster it asks all nodes.
     */
    public function serverCount(): int
    {
        $this->checkUntargeted('serverCount');
        [$ask, $channel] = $this->settings->adapter->listeners($this->target->namespace);
        $count = 0;
        foreach ($this->connection->askAll(['PUBSUB', $ask, $channel]) as $reply) {
            $count += Answer::count($channel, $reply);
        }
        return $count;
    }

    private function request(string $call, Request $request): void
    {
        $this->settings->checkVersion4($call);
        $this->settings->checkSockets($this->target->rooms);
        $this->connection->send($this->settings->adapter->request($this->target, $request));
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
        return new self($this->settings, $this->connection, $target);
    }
}
