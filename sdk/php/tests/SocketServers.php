<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * Socket.IO servers that answer what they are asked, in a process of their own.
 */
final class SocketServers
{
    private readonly int $pid;
    private readonly string $log;

    /**
     * @param callable(array<string, mixed> $request): iterable<array<string, mixed>|string> $answers what they publish
     *     when one question has come, all of them together; an array goes as JSON
     * @param int    $count   how many there are
     * @param string $request the channel on which they are asked
     * @param string $reply   the one on which they answer, at that Redis or another node of its cluster
     */
    public function __construct(
        int $port,
        callable $answers,
        int $count = 1,
        string $request = 'socket.io-request#/#',
        string $reply = 'socket.io-response#/#',
        bool $shard = false,
        ?int $replyPort = null,
    ) {
        $listeners = [];
        for ($i = 0; $i < $count; $i++) {
            $listeners[] = new Listener($port, $shard ? 'SSUBSCRIBE' : 'SUBSCRIBE', $request);
        }
        $this->log = (string) tempnam(sys_get_temp_dir(), 'sioemit-php-servers');
        [$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $this->pid = pcntl_fork();
        if ($this->pid === 0) {
            try {
                $redis = new \Redis();
                $redis->connect('127.0.0.1', $replyPort ?? $port);
                fwrite($there, "\n");
                while (true) {
                    $message = $listeners[0]->next()[1];
                    file_put_contents($this->log, json_encode(self::id($message)) . "\n", FILE_APPEND);
                    foreach ($answers($message) as $answer) {
                        $answer = is_array($answer) ? json_encode($answer) : $answer;
                        $redis->rawCommand($shard ? 'SPUBLISH' : 'PUBLISH', $reply, $answer);
                    }
                }
            } finally {
                posix_kill(getmypid(), SIGKILL); // none of PHPUnit's ends
            }
        }
        fgets($here); // it is connected
    }

    /**
     * Returns the ids of the questions that have come, null for a request without one.
     *
     * @return list<?string>
     */
    public function ids(): array
    {
        return array_map(json_decode(...), (array) file($this->log, FILE_IGNORE_NEW_LINES));
    }

    public function stop(): void
    {
        posix_kill($this->pid, SIGKILL);
        pcntl_waitpid($this->pid, $status);
        unlink($this->log);
    }

    /**
     * @param array<string, mixed> $message
     */
    private static function id(array $message): ?string
    {
        return $message['requestId'] ?? $message['data']['requestId'] ?? null;
    }
}
