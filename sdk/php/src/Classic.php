<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The adapter made by createAdapter() of @socket.io/redis-adapter and socket.io-redis, for Socket.IO 1 to 4.
 *
 * @internal
 */
final class Classic implements Adapter
{
    private const HEAD = "\x93\xA7emitter\x83\xA4type\x02\xA4data";

    /** Socket.IO 1 and 2 need a type of its own for binary, for which 4 drops clients. */
    private const BINARY_HEAD = "\x93\xA7emitter\x83\xA4type\x05\xA4data";

    private const TYPES = ['join' => 2, 'leave' => 3, 'disconnect' => 4];

    public function __construct(
        private readonly string $key,
        private readonly bool $json,
        private readonly bool $legacyBinary,
    ) {
    }

    public function broadcast(Target $target, string $event, array $args, int $maxAttachments): array
    {
        $channel = "$this->key#$target->namespace#";
        $room = $target->onlyRoom();
        if ($room !== null) {
            $channel .= "$room#";
        }
        $data = MessagePack::event($event, $args, $this->json ? 0 : $maxAttachments);
        if ($this->json) {
            return ['PUBLISH', $channel, $this->jsonMessage($target, Json::fromMessagePack($data->bytes))];
        }
        $head = $data->binaries > 0 && $this->legacyBinary ? self::BINARY_HEAD : self::HEAD;
        return ['PUBLISH', $channel, $head . $data->bytes
            . "\xA3nsp" . MessagePack::text($target->namespace)
            . "\x83\xA5rooms" . MessagePack::rooms($target->rooms)
            . "\xA5flags" . MessagePack::flags($target->flags())
            . "\xA6except" . MessagePack::rooms($target->except)];
    }

    private function jsonMessage(Target $target, string $data): string
    {
        $options = [
            'rooms' => $target->rooms,
            'flags' => (object) $target->flags(),
            'except' => $target->except,
        ];
        $namespace = Json::encode($target->namespace);
        return '["' . self::UID . "\",{\"type\":2,\"data\":$data,\"nsp\":$namespace}," . Json::encode($options) . ']';
    }

    public function request(Target $target, Request $request): array
    {
        return ['PUBLISH', $this->requestChannel($target->namespace), Json::encode([
            'type' => self::TYPES[$request->kind],
            'opts' => ['rooms' => $target->rooms, 'except' => $target->except],
            ...$request->members,
        ])];
    }

    public function serverSideEmit(Target $target, string $event, array $args): array
    {
        try {
            $data = Json::fromMessagePack(MessagePack::event($event, $args, 0)->bytes);
        } catch (SioemitException $e) {
            if ($e->reason === Reason::BinaryInJson && !$this->json) {
                throw new SioemitException($e->reason, $e->getMessage()
                    . ', and servers with @socket.io/redis-adapter before 7.2 end when such a request holds any');
            }
            throw $e;
        }
        $request = '{"uid":"' . self::UID . "\",\"type\":6,\"data\":$data}";
        return ['PUBLISH', $this->requestChannel($target->namespace), $request];
    }

    public function listeners(string $namespace): array
    {
        return ['NUMSUB', $this->requestChannel($namespace)];
    }

    private function requestChannel(string $namespace): string
    {
        return "$this->key-request#$namespace#";
    }
}
