<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The Redis managers of python-socketio 5.15.1 and later, which Flask-SocketIO uses as well.
 *
 * These servers know less than those in JavaScript. except() takes socket ids only; volatile() and compress() change
 * nothing; null as the only argument is refused, because it would arrive as none. Of the other calls there are
 * socketsJoin() and socketsLeave() of one socket, by its id, with one room, socketsLeave() of everyone with one room,
 * disconnectSockets() of one socket, and serverCount().
 */
final class Python implements Adapter
{
    /** Python gives up at 1,000 calls that are open at once, and python-socketio has two for each level. */
    private const MAX_LEVELS = 300;

    private readonly string $channel;

    /**
     * @param string $channel     as the servers have it; that of Flask-SocketIO is "flask-socketio"
     * @param bool   $allowBinary for clients that all use the same transport: where one of them uses websocket, servers
     *                            answer those on HTTP long-polling with an error, and these lose their connection
     */
    public function __construct(string $channel = 'socketio', private readonly bool $allowBinary = false)
    {
        Names::checkText('channel', $channel);
        $this->channel = $channel === '' ? 'socketio' : $channel;
    }

    /** @internal */
    public function broadcast(Target $target, string $event, array $args, int $maxAttachments): array
    {
        $limit = $this->allowBinary ? $maxAttachments : null; // where binary is refused, as many as there are
        $packet = MessagePack::event($event, $args, $limit, self::MAX_LEVELS);
        if ($packet->binaries > 0 && !$this->allowBinary) {
            throw self::unencodable($event, 'binary disconnects clients on HTTP long-polling where others use '
                . 'websocket; set allowBinary if all of yours use the same transport');
        }
        [$json, $binaries] = Json::detached($packet->bytes);
        $name = Json::encode($event);
        $data = $args === [] ? '[]' : '[' . substr($json, strlen("[$name,"));
        if ($data === '[null]') {
            throw self::unencodable($event, 'null as the only argument arrives as no argument; send none');
        }
        $isBinary = 'false';
        if ($binaries !== []) {
            $isBinary = 'true';
            $data = "[$data," . substr(Json::encode(array_map(base64_encode(...), $binaries)), 1);
        }
        $rest = self::message([
            'namespace' => $target->namespace,
            'room' => self::rooms($target->rooms),
            'skip_sid' => self::rooms($target->except),
            'callback' => null,
        ]);
        $message = "{\"method\":\"emit\",\"event\":$name,\"data\":$data,\"binary\":$isBinary," . substr($rest, 1);
        return ['PUBLISH', $this->channel, $message];
    }

    /** @internal */
    public function request(Target $target, Request $request): array
    {
        $rooms = $request->members['rooms'] ?? [];
        $isOne = count($target->rooms) === 1 && $target->except === [];
        $isEveryone = $target->rooms === [] && $target->except === [];
        $method = match (true) {
            $request->kind === 'disconnect' && $isOne && !$request->members['close'] => 'disconnect',
            $request->kind === 'join' && $isOne && count($rooms) === 1 => 'enter_room',
            $request->kind === 'leave' && $isOne && count($rooms) === 1 => 'leave_room',
            $request->kind === 'leave' && $isEveryone && count($rooms) === 1 => 'close_room',
            default => throw self::noCounterpart(match ($request->kind) {
                'join' => 'one socket joins one room there, and its id must be the target',
                'leave' => 'one socket leaves one room there, and its id must be the target, or everyone does',
                'disconnect' => $request->members['close']
                    ? 'a socket leaves its namespace there, and keeps its connection'
                    : 'one socket is disconnected there, and its id must be the target',
            }),
        };
        return ['PUBLISH', $this->channel, self::message([
            'method' => $method,
            ...($isOne ? ['sid' => $target->rooms[0]] : []),
            ...($rooms === [] ? [] : ['room' => self::rooms($rooms)]),
            'namespace' => $target->namespace,
        ])];
    }

    /** @internal */
    public function serverSideEmit(Target $target, string $event, array $args): array
    {
        throw self::noCounterpart('servers get no events there');
    }

    /** @internal */
    public function question(Target $target, Question $question, int $maxAttachments, int $left): array
    {
        throw self::noCounterpart('servers answer no emitter there');
    }

    /** @internal */
    public function confirmation(Target $nobody, Question $question, string $channel): array
    {
        throw self::noCounterpart('servers answer no emitter there');
    }

    /** @internal */
    public function subscription(): ?string
    {
        throw self::noCounterpart('servers answer no emitter there');
    }

    /** @internal */
    public function replyChannels(string $namespace): array
    {
        throw self::noCounterpart('servers answer no emitter there');
    }

    /** @internal */
    public function needs(Question $question): string
    {
        return '';
    }

    /** @internal */
    public function listeners(string $namespace): array
    {
        return ['NUMSUB', $this->channel];
    }

    /**
     * @param array<string, mixed> $members
     */
    private static function message(array $members): string
    {
        return Json::encode([...$members, 'host_id' => self::UID]);
    }

    /**
     * Returns no room as null, one by itself, and several as a list. Refuses a number that may stand for others.
     *
     * @param list<string|int|float> $rooms
     *
     * @return null|string|int|float|list<string|int|float>
     */
    private static function rooms(array $rooms): null|string|int|float|array
    {
        foreach ($rooms as $room) {
            if (!is_string($room) && abs($room) >= 2 ** 53) { // a float is the nearest to several whole numbers there
                throw self::noCounterpart(sprintf('the room %.0f: Python tells numbers from 2^53 up apart that are the '
                    . 'same one here', $room));
            }
        }
        return count($rooms) > 1 ? $rooms : $rooms[0] ?? null;
    }

    private static function unencodable(string $event, string $message): SioemitException
    {
        return new SioemitException(Reason::Unencodable, "the event \"$event\": $message");
    }

    private static function noCounterpart(string $message): SioemitException
    {
        return new SioemitException(Reason::NoCounterpart, "python-socketio has no counterpart to this call: $message");
    }
}
