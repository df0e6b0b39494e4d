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
                . "\xA4opts\x83\xA5rooms" . MessagePack::rooms($target->rooms)
                . "\xA6except" . MessagePack::rooms($target->except)
                . "\xA5flags" . MessagePack::flags($target->flags()), true);
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

    /**
     * @return array<string, mixed>
     */
    private static function options(Target $target): array
    {
        return ['rooms' => $target->rooms, 'except' => $target->except, 'flags' => (object) $target->flags()];
    }
}
