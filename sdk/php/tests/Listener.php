<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * Hears what is published, as a server would.
 */
final class Listener
{
    /** @var resource */
    private $socket;

    public function __construct(int $port, string ...$command)
    {
        $this->socket = fsockopen('127.0.0.1', $port);
        stream_set_timeout($this->socket, RedisServer::DEADLINE);
        $command = $command ?: ['PSUBSCRIBE', 'socket.io*'];
        fwrite($this->socket, '*' . count($command) . "\r\n");
        foreach ($command as $word) {
            fwrite($this->socket, '$' . strlen($word) . "\r\n$word\r\n");
        }
        $this->read(); // that it is subscribed
    }

    /**
     * Returns the channel and the payload of the next message.
     *
     * @return array{string, string}
     */
    public function message(): array
    {
        return array_slice($this->read(), -2);
    }

    /**
     * Returns the channel of the next message, and its payload, decoded.
     *
     * @return array{string, mixed}
     */
    public function next(): array
    {
        [$channel, $payload] = $this->message();
        $isJson = in_array($payload[0], ['[', '{'], true);
        return [$channel, $isJson ? json_decode($payload, true) : Decoder::decode($payload)];
    }

    /**
     * Returns the event and the arguments of the next broadcast.
     *
     * @return list<mixed>
     */
    public function event(): array
    {
        return $this->next()[1][1]['data'];
    }

    private function read(): mixed
    {
        $line = fgets($this->socket);
        if ($line === false) {
            throw new \RuntimeException('nothing was published');
        }
        $rest = substr($line, 1, -2);
        return match ($line[0]) {
            ':' => (int) $rest,
            '$' => substr((string) stream_get_contents($this->socket, (int) $rest + 2), 0, -2),
            '*' => array_map(fn () => $this->read(), array_fill(0, (int) $rest, null)),
            default => throw new \RuntimeException($line),
        };
    }
}
