<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What a server answers to a question, of any adapter.
 *
 * @internal
 */
final class Reply
{
    /** Which member of an answer holds what, by its type: of the classic adapter, and of the others. */
    private const CLASSIC = [6 => ['server', 'data'], 8 => ['count', 'clientCount'], 9 => ['ack', 'packet']];
    private const CLUSTER = [
        8 => ['sockets', 'sockets'],
        10 => ['server', 'packet'],
        11 => ['count', 'clientCount'],
        12 => ['ack', 'packet'],
    ];

    /**
     * @param 'sockets'|'rooms'|'server'|'count'|'ack' $kind
     * @param string                                   $uid  of the server; empty where it does not say
     */
    private function __construct(
        public readonly string $kind,
        public readonly string $uid,
        public readonly mixed $content,
    ) {
    }

    /**
     * Returns the reply to a question that a message is, or null: others ask on the same channel. The message is
     * decoded only when it holds the id. An \UnexpectedValueException says that it cannot be.
     */
    public static function find(string $message, string $id): ?self
    {
        if (!str_contains($message, $id) || !Message::isObject($message)) {
            return null;
        }
        $reply = Message::read($message);
        $uid = is_string($reply->uid ?? null) ? $reply->uid : '';
        $type = is_int($reply->type ?? null) ? $reply->type : null;
        if (isset($reply->requestId) || !(($reply->data ?? null) instanceof \stdClass)) {
            $members = $reply;
            $place = match (true) {
                $type !== null => self::CLASSIC[$type] ?? null,
                isset($reply->sockets) => ['sockets', 'sockets'],
                isset($reply->rooms) => ['rooms', 'rooms'],
                default => null,
            };
        } else {
            $members = $reply->data;
            $place = self::CLUSTER[$type] ?? null;
        }
        return ($members->requestId ?? null) === $id && $place !== null
            ? new self($place[0], $uid, $members->{$place[1]} ?? null)
            : null;
    }

    /**
     * Returns the list that it holds.
     *
     * @return list<mixed>
     */
    public function list(): array
    {
        return is_array($this->content) ? $this->content : throw new \UnexpectedValueException('it is no list');
    }
}
