<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What the options of an emitter add up to.
 *
 * @internal
 */
final class Settings
{
    /** The ids that engine.io makes. */
    private const SOCKET_IDS = '/[0-9A-Za-z_-]{20}/';

    private function __construct(
        public readonly Adapter $adapter,
        public readonly int $maxAttachments,
        private readonly int $serverVersion,
        private readonly string $socketIds,
    ) {
    }

    public static function fromOptions(
        ?string $key,
        int $serverVersion,
        ?string $codec,
        Sharded|Streams|Python|null $adapter,
        int $maxAttachments,
        ?string $socketIds,
    ): self {
        if ($serverVersion < 1 || $serverVersion > 4) {
            throw new SioemitException(Reason::ServerVersion, "serverVersion $serverVersion: it is 1, 2, 3 or 4");
        }
        if (!in_array($codec, [null, 'messagepack', 'json'], true)) {
            throw self::option("codec \"$codec\": it is messagepack or json");
        }
        if ($maxAttachments < 1) {
            throw self::option("maxAttachments $maxAttachments: it must be 1 or more");
        }
        if ($socketIds !== null && @preg_match($socketIds, '') === false) {
            throw self::option("socketIds \"$socketIds\": it is no regular expression, such as \"/[0-9a-f]{32}/\"");
        }
        if ($adapter !== null) {
            $ofClassic = ['key' => $key, 'codec' => $codec, 'serverVersion' => $serverVersion === 4 ? null : 4];
            foreach (array_filter($ofClassic, fn ($given) => $given !== null) as $name => $given) {
                throw self::option("$name belongs to the classic adapter, not to " . get_debug_type($adapter));
            }
        }
        $key = $key === null || $key === '' ? 'socket.io' : $key;
        Names::checkText('key', $key);
        return new self(
            $adapter ?? new Classic($key, $codec === 'json', $serverVersion < 3),
            $maxAttachments,
            $serverVersion,
            $socketIds ?? self::SOCKET_IDS,
        );
    }

    /**
     * Refuses rooms that servers before Socket.IO 4, and those in Python, cannot leave out.
     *
     * @param list<string|int|float> $rooms
     */
    public function checkExcept(array $rooms): void
    {
        if ($this->serverVersion === 4 && !$this->adapter instanceof Python) {
            return;
        }
        $servers = $this->adapter instanceof Python ? 'python-socketio' : "Socket.IO $this->serverVersion";
        foreach ($rooms as $room) {
            if (!$this->isSocketId($room)) {
                throw new SioemitException(Reason::ExceptRoom, "except(\"$room\"): $servers leaves out socket ids "
                    . 'only, and would ignore a room; if your servers make their own ids, say what they look like '
                    . 'with socketIds');
            }
        }
    }

    /**
     * Refuses rooms whose sockets servers in Python cannot change: they take the id of one.
     *
     * @param list<string|int|float> $rooms
     */
    public function checkSockets(array $rooms): void
    {
        foreach ($this->adapter instanceof Python ? $rooms : [] as $room) {
            if (!$this->isSocketId($room)) {
                throw new SioemitException(Reason::NoCounterpart, "\"$room\" is no socket id: python-socketio changes "
                    . 'the socket with an id, not those in a room; if your servers make their own ids, say what they '
                    . 'look like with socketIds');
            }
        }
    }

    public function checkVersion4(string $call): void
    {
        if ($this->serverVersion < 4) {
            throw new SioemitException(Reason::NeedsVersion4, "$call needs Socket.IO 4, not $this->serverVersion");
        }
    }

    /**
     * On Socket.IO 1 and 2 an id stands behind its namespace, unless that is "/".
     */
    private function isSocketId(string|int|float $room): bool
    {
        if (!is_string($room)) {
            return false;
        }
        $bare = $this->serverVersion < 3 && str_starts_with($room, '/') ? strstr($room, '#') : false;
        return $this->matches($room) || ($bare !== false && $this->matches(substr($bare, 1)));
    }

    private function matches(string $id): bool
    {
        return preg_match($this->socketIds, $id, $found) === 1 && $found[0] === $id;
    }

    private static function option(string $message): SioemitException
    {
        return new SioemitException(Reason::AdapterOption, $message);
    }
}
