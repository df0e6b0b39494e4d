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
    private const SOCKETS = 0;
    private const QUESTIONS = ['rooms' => 1, 'fetchSockets' => 5, 'serverSideEmitWithAck' => 6, 'emitWithAck' => 7];

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
        $data = MessagePack::event($event, $args, $this->json ? 0 : null);
        $type = chr(self::QUESTIONS['serverSideEmitWithAck']);
        $members = ['uid' => MessagePack::text(self::UID), 'type' => $type, 'data' => $data->bytes];
        return $this->published($target, $members, $data->binaries);
    }

    /**
     * Reports whether a request is MessagePack, at which servers end that have @socket.io/redis-adapter 7.0 or an older
     * one.
     *
     * @param non-empty-list<string> $request
     */
    public static function endsServers(array $request): bool
    {
        return $request[2][0] !== '{';
    }

    public function question(Target $target, Question $question, int $maxAttachments, int $left): array
    {
        $members = [
            'uid' => MessagePack::text(self::UID),
            'requestId' => MessagePack::text($question->id),
            'type' => chr(self::QUESTIONS[$question->kind]),
        ];
        $binaries = 0;
        $who = ['rooms' => MessagePack::rooms($target->rooms), 'except' => MessagePack::rooms($target->except)];
        switch ($question->kind) {
            case 'fetchSockets':
                $members['opts'] = MessagePack::members($who);
                break;
            case 'serverSideEmitWithAck':
                $data = MessagePack::event($question->event, $question->args, $this->json ? 0 : null);
                $binaries = $data->binaries;
                $members['data'] = $data->bytes;
                break;
            case 'emitWithAck':
                $max = $this->json ? 0 : $maxAttachments;
                $data = MessagePack::event($question->event, $question->args, $max);
                $binaries = $data->binaries;
                $nsp = MessagePack::text($target->namespace);
                $members['packet'] = MessagePack::members(['type' => "\x02", 'data' => $data->bytes, 'nsp' => $nsp]);
                $members['opts'] = MessagePack::members($who + ['flags' => Question::flags($target, $left)]);
        }
        return $this->published($target, $members, $binaries);
    }

    public function confirmation(Target $nobody, Question $question, string $channel): array
    {
        return ['PUBLISH', $channel, Json::encode([
            'uid' => self::UID,
            'requestId' => $question->id,
            'type' => self::SOCKETS,
            'rooms' => $nobody->rooms,
        ])];
    }

    public function subscription(): ?string
    {
        return 'psub';
    }

    public function replyChannels(string $namespace): array
    {
        $channel = "$this->key-response#$namespace#";
        return [[$channel, $channel . self::UID . '#'], false]; // of servers with publishOnSpecificResponseChannel, too
    }

    public function needs(Question $question): string
    {
        return match ($question->kind) {
            'emitWithAck' => '@socket.io/redis-adapter 7.2 or later',
            'serverSideEmitWithAck' => '@socket.io/redis-adapter 7.0 or later and ' . self::NEEDS_HANDLER,
            default => 'socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later',
        };
    }

    /**
     * Returns the command of a request: JSON, which all servers read, or MessagePack when it holds binary.
     *
     * @param array<string, string> $members
     *
     * @return non-empty-list<string>
     */
    private function published(Target $target, array $members, int $binaries): array
    {
        $message = MessagePack::members($members);
        $request = $binaries > 0 ? $message : Json::fromMessagePack($message);
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
