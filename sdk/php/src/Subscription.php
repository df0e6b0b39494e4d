<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * A connection to Redis that receives what servers answer, until a deadline.
 *
 * It is not the client's: those of PHP that are subscribed can do nothing else, and phpredis does not come back before
 * something has arrived.
 *
 * @internal
 */
final class Subscription
{
    /** Under which Redis lists those that could be taken for servers. */
    public const NAME = 'sioemit-replies';

    private const PIECE = 8192;

    /** Redis has no longer ones, but for text that is somebody else's. */
    private const MAX_LINE = 65_536;
    private const MAX_ITEMS = 1000;
    private const MAX_LEVELS = 10;

    /** What is longer is read past. By default, Redis itself cuts off a subscriber for which 32 MB are waiting. */
    private const MAX_MESSAGE = 64 * 1024 * 1024;

    /** How often the channels are followed from node to node of a Redis Cluster before that is an error. */
    private const MAX_MOVES = 5;

    /** What has come by the deadline counts, and is read within this time. */
    private const GRACE = 1_000_000_000;

    /** @var resource */
    private $socket;

    /** What was read and not yet looked at, from the offset on. */
    private string $buffer = '';
    private int $offset = 0;

    private function __construct(#[\SensitiveParameter] RedisAddress $address, private readonly int $deadline)
    {
        $context = stream_context_create(['ssl' => $address->tls, 'socket' => ['tcp_nodelay' => true]]);
        $left = max(0.001, ($deadline - hrtime(true)) / 1e9);
        $warnings = [];
        set_error_handler(function (int $level, string $text) use (&$warnings) {
            $warnings[] = $text; // the first of several says what TLS has against it
            return true;
        });
        try {
            $flags = STREAM_CLIENT_CONNECT;
            $socket = stream_socket_client($address->remote, $code, $message, $left, $flags, $context);
        } finally {
            restore_error_handler();
        }
        if ($socket === false) {
            $why = preg_replace('/^\w+\(\): |\s+/', ' ', $warnings[0] ?? $message);
            throw self::failure(trim((string) $why) . " [$address->remote]");
        }
        stream_set_blocking($socket, false);
        $this->socket = $socket;
    }

    /**
     * Subscribes to channels, and returns once Redis has confirmed it: no answer to a question that is sent then is
     * missed. Where a Redis Cluster has moved them meanwhile, it does so at the node that is named.
     *
     * @param non-empty-list<string> $channels
     * @param int                    $deadline as hrtime() has it
     */
    public static function open(
        #[\SensitiveParameter] RedisAddress $address,
        bool $shard,
        array $channels,
        int $deadline,
    ): self {
        for ($moves = 0;; $moves++) {
            $subscription = new self($address, $deadline);
            try {
                $subscription->begin($address, $shard, $channels);
                return $subscription;
            } catch (\Throwable $e) {
                $subscription->close();
            }
            if ($e instanceof \UnderflowException) {
                throw self::failure('Redis did not confirm it within the timeout');
            }
            $isMoved = $address->inCluster && $moves < self::MAX_MOVES
                && preg_match('/: MOVED \d+ (\S*):(\d+)$/', $e->getMessage(), $moved) === 1;
            $address = $isMoved ? $address->at($moved[1], (int) $moved[2]) : throw $e;
        }
    }

    /**
     * Returns the next message, or null at the deadline.
     */
    public function next(): ?string
    {
        try {
            do {
                $push = $this->answer();
                if (is_array($push) && in_array($push[0] ?? null, ['unsubscribe', 'sunsubscribe'], true)) {
                    throw self::failure('Redis has ended it'); // as when a slot moves to another node
                }
                $isMessage = is_array($push) && count($push) === 3 && is_string($push[2])
                    && in_array($push[0], ['message', 'smessage'], true);
            } while (!$isMessage);
            return $push[2];
        } catch (\UnderflowException) {
            return null;
        }
    }

    public function close(): void
    {
        fclose($this->socket);
    }

    /**
     * @param non-empty-list<string> $channels
     */
    private function begin(#[\SensitiveParameter] RedisAddress $address, bool $shard, array $channels): void
    {
        $hasAuth = $address->auth !== [];
        $isNamed = $shard && $address->inCluster; // anywhere else, servers have more subscriptions
        $this->write(
            ($hasAuth ? self::command('AUTH', ...$address->auth) : '')
            . ($isNamed ? self::command('CLIENT', 'SETNAME', self::NAME) : '')
            . ($address->inCluster ? '' : self::command('HELLO')) // which says what Redis it is, since version 6
            . self::command($shard ? 'SSUBSCRIBE' : 'SUBSCRIBE', ...$channels)
        );
        if ($hasAuth) {
            $this->answer();
        }
        if ($isNamed) {
            $this->tryAnswer(); // some users may not
        }
        if (!$address->inCluster) {
            $this->checkNoCluster();
        }
        foreach ($channels as $_) {
            $this->answer();
        }
    }

    /**
     * Refuses a node of a Redis Cluster whose client knows nothing of the others: servers may be anywhere.
     */
    private function checkNoCluster(): void
    {
        $about = $this->tryAnswer(); // of an older Redis, an error
        foreach (is_array($about) ? $about : [] as $i => $word) {
            if ($word === 'mode' && ($about[$i + 1] ?? null) === 'cluster') {
                throw new SioemitException(Reason::Client, 'this Redis is a node of a Redis Cluster, which takes a '
                    . "\\RedisCluster, or a client of Predis with the option 'cluster' => 'redis'");
            }
        }
    }

    private function tryAnswer(): mixed
    {
        try {
            return $this->answer();
        } catch (SioemitException) {
            return null;
        }
    }

    private static function command(#[\SensitiveParameter] string ...$words): string
    {
        $command = '*' . count($words) . "\r\n";
        foreach ($words as $word) {
            $command .= '$' . strlen($word) . "\r\n$word\r\n";
        }
        return $command;
    }

    private function write(#[\SensitiveParameter] string $bytes): void
    {
        while ($bytes !== '') {
            $written = @fwrite($this->socket, $bytes);
            if ($written === false) {
                throw self::failure('it broke');
            }
            $bytes = substr($bytes, $written);
            if ($bytes !== '') {
                $this->wait(true);
            }
        }
    }

    /**
     * Reads what Redis says next. An error is thrown.
     */
    private function answer(int $level = 0): mixed
    {
        $line = $this->line();
        $rest = substr($line, 1);
        $isNumber = preg_match('/^(?:-1|\d{1,10})$/', $rest) === 1;
        return match (true) {
            $line === '' || $level > self::MAX_LEVELS => throw self::foreign(),
            $line[0] === '+' => $rest,
            $line[0] === '-' => throw self::failure($rest),
            $line[0] === ':' => (int) $rest,
            $line[0] === '$' && $isNumber => $this->text((int) $rest),
            $line[0] === '*' && $isNumber && (int) $rest <= self::MAX_ITEMS => $this->items((int) $rest, $level),
            default => throw self::foreign(),
        };
    }

    /**
     * @return ?list<mixed>
     */
    private function items(int $count, int $level): ?array
    {
        $items = [];
        for (; $count > 0; $count--) {
            $items[] = $this->answer($level + 1);
        }
        return $count < 0 ? null : $items;
    }

    private function line(): string
    {
        while (($end = strpos($this->buffer, "\r\n", $this->offset)) === false) {
            if (strlen($this->buffer) - $this->offset > self::MAX_LINE) {
                throw self::foreign();
            }
            $this->buffer = substr($this->buffer, $this->offset) . $this->read(self::PIECE);
            $this->offset = 0;
        }
        $line = substr($this->buffer, $this->offset, $end - $this->offset);
        $this->offset = $end + 2;
        return $line;
    }

    private function text(int $length): ?string
    {
        if ($length < 0) {
            return null;
        }
        if ($length > self::MAX_MESSAGE) {
            for ($left = $length + 2; $left > 0; $left -= strlen($piece)) {
                $piece = $this->take(min($left, self::PIECE));
            }
            return '';
        }
        $text = $this->take($length);
        if ($this->take(2) !== "\r\n") {
            throw self::foreign();
        }
        return $text;
    }

    /**
     * Reads so many bytes. It takes memory for what has come, not for what is announced.
     */
    private function take(int $length): string
    {
        $bytes = substr($this->buffer, $this->offset, $length);
        $this->offset += strlen($bytes);
        while (($left = $length - strlen($bytes)) > 0) {
            $bytes .= $this->read(min($left, self::PIECE));
        }
        return $bytes;
    }

    /**
     * Reads some bytes; an \UnderflowException says that none have come by the deadline.
     */
    private function read(int $most): string
    {
        while (hrtime(true) < $this->deadline + self::GRACE) {
            $bytes = @fread($this->socket, $most);
            if ($bytes === false || ($bytes === '' && feof($this->socket))) {
                throw self::failure('it broke');
            }
            if ($bytes !== '') {
                return $bytes;
            }
            $this->wait(false);
        }
        throw new \UnderflowException();
    }

    private function wait(bool $toWrite): void
    {
        $left = $this->deadline - hrtime(true);
        if ($left <= 0) {
            throw new \UnderflowException();
        }
        $reading = $toWrite ? [] : [$this->socket];
        $writing = $toWrite ? [$this->socket] : [];
        $none = [];
        $seconds = intdiv($left, 1_000_000_000);
        $ready = @stream_select($reading, $writing, $none, $seconds, intdiv($left % 1_000_000_000, 1000) + 1);
        if ($ready === false) {
            usleep(1000); // a signal came, or select() takes no descriptor of this number
        }
    }

    private static function failure(#[\SensitiveParameter] string $text): SioemitException
    {
        if (str_starts_with($text, 'NOAUTH')) {
            $text .= ' A \RedisCluster does not tell its password: give it to the emitter, too, in its option context.';
        }
        return SioemitException::fromRedis('the connection for replies', $text, reason: Reason::Subscription);
    }

    private static function foreign(): SioemitException
    {
        return self::failure('what came on it is no answer of Redis');
    }
}
