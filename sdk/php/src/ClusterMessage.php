<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The messages between servers whose adapter extends ClusterAdapter of socket.io-adapter: sharded and streams. They are
 * JSON, or MessagePack when they hold binary.
 *
 * @internal
 */
final class ClusterMessage
{
    private const BROADCAST = 3;
    private const TYPES = ['join' => 4, 'leave' => 5, 'disconnect' => 6];
    private const FETCH_SOCKETS = 7;
    private const SERVER_SIDE_EMIT = 9;

    private function __construct(
        public readonly int $type,
        public readonly string $data,
        public readonly bool $packed,
    ) {
    }

    /**
     * @param array<mixed> $args
     */
    public static function broadcast(Target $target, string $event, array $args, int $maxAttachments): self
    {
        $data = MessagePack::event($event, $args, $maxAttachments);
        if ($data->binaries > 0) {
            return new self(self::BROADCAST, "\x82\xA6packet\x82\xA4type\x02\xA4data$data->bytes"
                . "\xA4opts" . self::packedOptions($target, MessagePack::flags($target->flags())), true);
        }
        $json = Json::fromMessagePack($data->bytes);
        $options = Json::encode(self::options($target));
        return new self(self::BROADCAST, "{\"packet\":{\"type\":2,\"data\":$json},\"opts\":$options}", false);
    }

    public static function request(Target $target, Request $request): self
    {
        $data = Json::encode(['opts' => self::options($target), ...$request->members]);
        return new self(self::TYPES[$request->kind], $data, false);
    }

    /**
     * @param array<mixed> $args
     * @param bool         $packed in MessagePack, also without binary
     */
    public static function serverSideEmit(string $event, array $args, bool $packed): self
    {
        $packet = MessagePack::event($event, $args, null);
        if ($packed || $packet->binaries > 0) {
            return new self(self::SERVER_SIDE_EMIT, "\x81\xA6packet$packet->bytes", true);
        }
        $json = Json::fromMessagePack($packet->bytes);
        return new self(self::SERVER_SIDE_EMIT, "{\"packet\":$json}", false);
    }

    /**
     * @param int  $left   how many nanoseconds servers have to answer
     * @param bool $packed in MessagePack, also without binary
     */
    public static function question(
        Target $target,
        Question $question,
        int $maxAttachments,
        int $left,
        bool $packed,
    ): self {
        $id = MessagePack::text($question->id);
        $flags = $question->kind === 'emitWithAck'
            ? Question::flags($target, $left)
            : MessagePack::flags($target->flags());
        $options = self::packedOptions($target, $flags);
        $binaries = 0;
        switch ($question->kind) {
            case 'emitWithAck':
                $type = self::BROADCAST;
                $data = MessagePack::event($question->event, $question->args, $maxAttachments);
                $binaries = $data->binaries;
                $packet = MessagePack::members(['type' => "\x02", 'data' => $data->bytes]);
                $members = ['packet' => $packet, 'requestId' => $id, 'opts' => $options];
                break;
            case 'serverSideEmitWithAck':
                $type = self::SERVER_SIDE_EMIT;
                $data = MessagePack::event($question->event, $question->args, null);
                $binaries = $data->binaries;
                $members = ['requestId' => $id, 'packet' => $data->bytes];
                break;
            default: // the rooms are those of the sockets
                $type = self::FETCH_SOCKETS;
                $members = ['opts' => $options, 'requestId' => $id];
        }
        $packed = $packed || $binaries > 0;
        $bytes = MessagePack::members($members);
        return new self($type, $packed ? $bytes : Json::fromMessagePack($bytes), $packed);
    }

    /**
     * Returns what a server must have to answer a question.
     */
    public static function needs(Question $question): string
    {
        return $question->kind === 'serverSideEmitWithAck' ? Adapter::NEEDS_HANDLER : '';
    }

    /**
     * Returns the message with all that belongs to it, as it goes through a channel.
     */
    public function published(string $namespace): string
    {
        if ($this->packed) {
            return "\x84\xA4type" . chr($this->type) . "\xA4data$this->data\xA3uid" . MessagePack::text(Adapter::UID)
                . "\xA3nsp" . MessagePack::text($namespace);
        }
        $nsp = Json::encode($namespace);
        return "{\"type\":$this->type,\"data\":$this->data,\"uid\":\"" . Adapter::UID . "\",\"nsp\":$nsp}";
    }

    private static function packedOptions(Target $target, string $flags): string
    {
        return MessagePack::members([
            'rooms' => MessagePack::rooms($target->rooms),
            'except' => MessagePack::rooms($target->except),
            'flags' => $flags,
        ]);
    }

    /**
     * @return array<string, mixed>
     */
    private static function options(Target $target): array
    {
        return ['rooms' => $target->rooms, 'except' => $target->except, 'flags' => (object) $target->flags()];
    }
}
