<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The adapter made by createAdapter() of @socket.io/redis-streams-adapter. Servers that were away for a moment get what
 * they missed.
 *
 * The options are upstream's.
 */
final class Streams implements Adapter
{
    private readonly string $streamName;
    private readonly string $channelPrefix;

    public function __construct(
        string $streamName = 'socket.io',
        private readonly int $streamCount = 1,
        private readonly int $maxLen = 10_000,
        string $channelPrefix = 'socket.io',
        private readonly bool $useShardedPubSub = false,
    ) {
        foreach (['streamCount' => $streamCount, 'maxLen' => $maxLen] as $name => $value) {
            if ($value < 1) {
                throw new SioemitException(Reason::AdapterOption, "$name $value: it must be 1 or more");
            }
        }
        Names::checkText('streamName', $streamName);
        Names::checkText('channelPrefix', $channelPrefix);
        $this->streamName = $streamName === '' ? 'socket.io' : $streamName;
        $this->channelPrefix = $channelPrefix === '' ? 'socket.io' : $channelPrefix;
    }

    /** @internal */
    public function broadcast(Target $target, string $event, array $args, int $maxAttachments): array
    {
        return $this->entry(
            $target->namespace,
            ClusterMessage::broadcast($target, $event, $args, $maxAttachments),
        );
    }

    /** @internal */
    public function request(Target $target, Request $request): array
    {
        return $this->entry($target->namespace, ClusterMessage::request($target, $request));
    }

    /** @internal */
    public function serverSideEmit(Target $target, string $event, array $args): array
    {
        return $this->published($target->namespace, ClusterMessage::serverSideEmit($event, $args, true));
    }

    /** @internal */
    public function question(Target $target, Question $question, int $maxAttachments, int $left): array
    {
        $message = ClusterMessage::question($target, $question, $maxAttachments, $left, true);
        return $this->published($target->namespace, $message);
    }

    /** @internal */
    public function confirmation(Target $nobody, Question $question, string $channel): array
    {
        return $this->entry($nobody->namespace, ClusterMessage::question($nobody, $question, 0, 0, false));
    }

    /** @internal */
    public function subscription(): ?string
    {
        return null;
    }

    /** @internal */
    public function replyChannels(string $namespace): array
    {
        return [[$this->channel($namespace) . self::UID . '#'], $this->useShardedPubSub];
    }

    /** @internal */
    public function needs(Question $question): string
    {
        return ClusterMessage::needs($question);
    }

    /** @internal */
    public function listeners(string $namespace): array
    {
        return [$this->useShardedPubSub ? 'SHARDNUMSUB' : 'NUMSUB', $this->channel($namespace)];
    }

    /**
     * Returns the command of a message that goes beside the stream.
     *
     * @return non-empty-list<string>
     */
    private function published(string $namespace, ClusterMessage $message): array
    {
        $publish = $this->useShardedPubSub ? 'SPUBLISH' : 'PUBLISH';
        return [$publish, $this->channel($namespace), $message->published($namespace)];
    }

    private function channel(string $namespace): string
    {
        return "$this->channelPrefix#$namespace#";
    }

    /**
     * @return non-empty-list<string>
     */
    private function entry(string $namespace, ClusterMessage $message): array
    {
        return [
            'XADD', $this->stream($namespace), 'MAXLEN', '~', (string) $this->maxLen, '*',
            'uid', self::UID,
            'nsp', $namespace,
            'type', (string) $message->type,
            'data', $message->packed ? base64_encode($message->data) : $message->data,
        ];
    }

    private function stream(string $namespace): string
    {
        if ($this->streamCount === 1) {
            return $this->streamName;
        }
        $number = self::javaHash($namespace) % $this->streamCount; // with the sign of the hash, as upstream computes it
        if ($number < 0) {
            throw new SioemitException(Reason::UnreadStream, "no server reads the stream of the namespace "
                . "\"$namespace\": it hashes to $number of $this->streamCount");
        }
        return "$this->streamName-$number";
    }

    /**
     * Returns the hash code of a string in Java, which upstream borrowed: signed, in 32 bits.
     */
    private static function javaHash(string $text): int
    {
        $hash = 0;
        foreach (Utf16::units($text) as $unit) {
            $hash = (31 * $hash + $unit) & 0xFFFFFFFF;
        }
        return $hash >= 0x80000000 ? $hash - 0x100000000 : $hash;
    }
}
