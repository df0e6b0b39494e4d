<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The adapter made by createShardedAdapter() of @socket.io/redis-adapter 8.2 and later, which needs Redis 7.
 *
 * The options are upstream's.
 */
final class Sharded implements Adapter
{
    private const SOCKET_ID_LENGTH = 20;

    private readonly string $channelPrefix;

    /**
     * @param string $subscriptionMode "dynamic", "dynamic-private" or "static", as the servers have it: with another
     *                                 one, events to one room reach nobody
     */
    public function __construct(
        string $channelPrefix = 'socket.io',
        private readonly string $subscriptionMode = 'dynamic',
    ) {
        if (!in_array($subscriptionMode, ['dynamic', 'dynamic-private', 'static'], true)) {
            throw new SioemitException(
                Reason::AdapterOption,
                "subscriptionMode \"$subscriptionMode\": it is dynamic, dynamic-private or static",
            );
        }
        Names::checkText('channelPrefix', $channelPrefix);
        $this->channelPrefix = $channelPrefix === '' ? 'socket.io' : $channelPrefix;
    }

    /** @internal */
    public function broadcast(Target $target, string $event, array $args, int $maxAttachments): array
    {
        $channel = $this->channel($target->namespace);
        $room = $target->onlyRoom();
        if ($room !== null && $this->hasChannel($room)) {
            $channel .= "$room#";
        }
        $message = ClusterMessage::broadcast($target, $event, $args, $maxAttachments);
        return ['SPUBLISH', $channel, $message->published($target->namespace)];
    }

    /** @internal */
    public function request(Target $target, Request $request): array
    {
        return $this->toAll($target->namespace, ClusterMessage::request($target, $request));
    }

    /** @internal */
    public function serverSideEmit(Target $target, string $event, array $args): array
    {
        return $this->toAll($target->namespace, ClusterMessage::serverSideEmit($event, $args, false));
    }

    /** @internal */
    public function question(Target $target, Question $question, int $maxAttachments, int $left): array
    {
        $message = ClusterMessage::question($target, $question, $maxAttachments, $left, false);
        return $this->toAll($target->namespace, $message);
    }

    /** @internal */
    public function confirmation(Target $nobody, Question $question, string $channel): array
    {
        $message = ClusterMessage::question($nobody, $question, 0, 0, false);
        return ['SPUBLISH', $channel, $message->published($nobody->namespace)];
    }

    /** @internal */
    public function subscription(): ?string
    {
        return 'ssub';
    }

    /** @internal */
    public function replyChannels(string $namespace): array
    {
        return [[$this->channel($namespace) . self::UID . '#'], true];
    }

    /** @internal */
    public function needs(Question $question): string
    {
        return ClusterMessage::needs($question);
    }

    /** @internal */
    public function listeners(string $namespace): array
    {
        return ['SHARDNUMSUB', $this->channel($namespace)];
    }

    /**
     * @return non-empty-list<string>
     */
    private function toAll(string $namespace, ClusterMessage $message): array
    {
        return ['SPUBLISH', $this->channel($namespace), $message->published($namespace)];
    }

    private function channel(string $namespace): string
    {
        return "$this->channelPrefix#$namespace#";
    }

    private function hasChannel(string $room): bool
    {
        return match ($this->subscriptionMode) {
            'static' => false,
            'dynamic-private' => true,
            default => Utf16::length($room) !== self::SOCKET_ID_LENGTH,
        };
    }
}
