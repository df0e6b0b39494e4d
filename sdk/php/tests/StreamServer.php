<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * A Socket.IO server of the streams adapter, in a process of its own, that answers who is in a room. One since version
 * 0.3 subscribes to a channel and publishes its answer; an older one, which has an id of 16 digits, adds entries only.
 */
final class StreamServer
{
    private readonly int $pid;

    public function __construct(int $port, string $uid, bool $isOld = false, string $stream = 'socket.io')
    {
        [$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $this->pid = pcntl_fork();
        if ($this->pid === 0) {
            try {
                $listener = $isOld ? null : new Listener($port, 'SUBSCRIBE', 'socket.io#/#');
                $redis = new \Redis();
                $redis->connect('127.0.0.1', $port);
                $add = fn (string $type, array $data) => $redis->xAdd($stream, '*', [
                    'uid' => $uid, 'nsp' => '/', 'type' => $type, 'data' => json_encode($data),
                ]);
                $at = $isOld ? $add('2', []) : array_key_last($redis->xRange($stream, '-', '+')) ?? '0-0';
                fwrite($there, "\n");
                while (true) {
                    foreach ($redis->xRead([$stream => $at], 100, 10_000)[$stream] ?? [] as $at => $entry) {
                        if ($entry['type'] !== '7') {
                            continue;
                        }
                        $data = ['requestId' => json_decode($entry['data'])->requestId, 'sockets' => []];
                        $isOld ? $add('8', $data) : $redis->publish(
                            'socket.io#/#emitter#',
                            json_encode(['uid' => $uid, 'nsp' => '/', 'type' => 8, 'data' => $data]),
                        );
                    }
                }
            } finally {
                posix_kill(getmypid(), SIGKILL); // none of PHPUnit's ends
            }
        }
        fgets($here); // it reads
    }

    public function stop(): void
    {
        posix_kill($this->pid, SIGKILL);
        pcntl_waitpid($this->pid, $status);
    }
}
